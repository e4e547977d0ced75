import Bytes

/// An address of RFC 791 or RFC 4291, in its textual forms.
struct IPAddress: Equatable {
    /// 4 or 16.
    var bytes: [UInt8]

    /// nil where `text` is anything else; a zone (`%eth0`) is none of it.
    init?(_ text: ByteView) {
        if let four = Self.four(text) { bytes = four } else if let sixteen = Self.sixteen(text) { bytes = sixteen } else { return nil }
    }

    /// Four numbers up to 255, without zeros in front.
    private static func four(_ text: ByteView) -> [UInt8]? {
        guard (7...15).contains(text.count) else { return nil }
        var out: [UInt8] = []
        var at = 0
        while out.count < 4 {
            let length = text.run(of: .digit, from: at, limit: 4)
            guard (1...3).contains(length), length == 1 || text[at] != UInt8(ascii: "0") else { return nil }
            var value = 0
            for i in at..<at + length { value = value * 10 + Int(text[i] - 0x30) }
            guard let byte = UInt8(exactly: value) else { return nil }
            out.append(byte)
            at += length
            if out.count < 4 {
                guard text.at(at) == UInt8(ascii: ".") else { return nil }
                at += 1
            }
        }
        return at == text.count ? out : nil
    }

    private static func sixteen(_ text: ByteView) -> [UInt8]? {
        guard (2...45).contains(text.count) else { return nil }
        var head: [UInt8] = []
        var tail: [UInt8] = []
        var isShort = false
        var at = 0
        if text.hasPrefix("::") { (isShort, at) = (true, 2) }
        while at < text.count {
            let length = text.run(of: .hex, from: at, limit: 5)
            if text.at(at + length) == UInt8(ascii: "."), let four = four(text.suffix(from: at)) {
                if isShort { tail += four } else { head += four }
                at = text.count
                break
            }
            guard (1...4).contains(length) else { return nil }
            var value = 0
            for i in at..<at + length {
                value = value << 4 | Int(text[i].isDigit ? text[i] - 0x30 : text[i].lowercased - 0x57)
            }
            let pair = [UInt8(value >> 8), UInt8(value & 0xFF)]
            if isShort { tail += pair } else { head += pair }
            guard head.count + tail.count <= 16 else { return nil }
            at += length
            if at == text.count { break }
            guard text[at] == UInt8(ascii: ":") else { return nil }
            at += 1
            if text.at(at) == UInt8(ascii: ":") {
                guard !isShort else { return nil }
                (isShort, at) = (true, at + 1)
            } else if at == text.count {
                return nil
            }
        }
        let missing = 16 - head.count - tail.count
        guard isShort ? missing >= 2 : missing == 0 else { return nil }
        return head + [UInt8](repeating: 0, count: missing) + tail
    }

    /// Of this machine, or of none.
    var isLoopbackOrNone: Bool {
        bytes.count == 4 ? bytes[0] == 127 || bytes == [0, 0, 0, 0] : bytes.prefix(15).allSatisfy { $0 == 0 } && bytes[15] <= 1
    }

    /// Appends the network: the first 24 or 48 bits, and how many they are.
    func writeNetwork(into out: ByteArena) {
        if bytes.count == 4 {
            for byte in bytes.prefix(3) {
                out.append(decimal: Int64(byte))
                out.append(UInt8(ascii: "."))
            }
            out.append("0/24")
            return
        }
        var groups = [0, 2, 4].map { Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]) }
        while groups.last == 0 { groups.removeLast() }
        out.append(groups.map { String($0, radix: 16) }.joined(separator: ":"))
        out.append("::/48")
    }
}
