/// Replaces `${VAR}` in the text of a file, comments included, with the grammar that Promtail's library implements
/// (drone/envsubst), not the shell's: see the cases below. `$VAR` without braces stays.
///
/// Works on bytes, so that lines stay lines; nested defaults recurse to a fixed depth.
package struct EnvironmentExpansion {
    /// `${A:-${B:-…}}` deeper than this is refused.
    static let depthMax = 16
    /// A variable may hold anything, and a file may name it often.
    static let sizeMax = 64 << 20

    package struct Failure: Error, Equatable, Sendable {
        package var message: String
        package var mark: YAMLMark
    }

    private let text: [UInt8]
    private let lookup: (String) -> String?
    private var at = 0
    private var out: [UInt8] = []

    /// The text with all variables replaced; unset ones are empty.
    package static func expand(_ text: [UInt8], lookup: @escaping (String) -> String?) throws(Failure) -> [UInt8] {
        var expansion = EnvironmentExpansion(text: text, lookup: lookup)
        return try expansion.run()
    }

    private init(text: [UInt8], lookup: @escaping (String) -> String?) {
        self.text = text
        self.lookup = lookup
    }

    private mutating func run() throws(Failure) -> [UInt8] {
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "\\"), at + 1 < text.count,
                text[at + 1] == byte || text[at + 1] == UInt8(ascii: "/")
            {
                out.append(text[at + 1])
                at += 2
            } else if byte == UInt8(ascii: "$"), at + 1 < text.count, text[at + 1] == byte {
                out.append(byte)
                at += 2
            } else if byte == UInt8(ascii: "$"), at + 1 < text.count, text[at + 1] == UInt8(ascii: "{") {
                out += Array(try variable(depth: 0).utf8)
            } else {
                out.append(byte)
                at += 1
            }
            if out.count > Self.sizeMax { throw fail("the file grows beyond \(Self.sizeMax >> 20) MiB", at) }
        }
        return out
    }

    private func fail(_ message: String, _ offset: Int) -> Failure {
        var mark = YAMLMark(line: 1, column: 1)
        for byte in text.prefix(offset) {
            if byte == 0x0A {
                mark.line += 1
                mark.column = 1
            } else if byte & 0xC0 != 0x80 {
                mark.column += 1
            }
        }
        return Failure(message: message, mark: mark)
    }

    private func peek() -> UInt8 { at < text.count ? text[at] : 0 }

    private static func isName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte == UInt8(ascii: "_") || byte >= 0x80
    }

    /// What stands at `${`; `at` is then behind the closing brace.
    private mutating func variable(depth: Int) throws(Failure) -> String {
        let start = at
        guard depth < Self.depthMax else { throw fail("variables inside variables are nested too deeply", start) }
        at += 2
        if peek() == UInt8(ascii: "#") {
            at += 1
            let name = try name(start)
            try close(start)
            return String((lookup(name) ?? "").utf8.count)
        }
        let name = try name(start)
        let value = lookup(name) ?? ""
        switch peek() {
        case UInt8(ascii: "}"):
            at += 1
            return value
        case UInt8(ascii: "="):
            at += 1
            let other = try argument(start, depth)
            return value.isEmpty ? other : value
        case UInt8(ascii: ":"):
            at += 1
            switch peek() {
            case UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "+"):
                at += 1
                let other = try argument(start, depth)
                return value.isEmpty ? other : value
            default: return Self.slice(value, try argument(start, depth))
            }
        case UInt8(ascii: "^"), UInt8(ascii: ","):
            let sign = peek()
            at += 1
            let all = peek() == sign
            if all { at += 1 }
            try close(start)
            return Self.changeCase(value, upper: sign == UInt8(ascii: "^"), all: all)
        case UInt8(ascii: "#"), UInt8(ascii: "%"):
            let sign = peek()
            at += 1
            let longest = peek() == sign
            if longest { at += 1 }
            let pattern = try argument(start, depth)
            return Self.trim(value, pattern, prefix: sign == UInt8(ascii: "#"), longest: longest)
        case UInt8(ascii: "/"): return try replaced(value, start, depth)
        default: throw fail("a variable does not end", start)
        }
    }

    private mutating func name(_ start: Int) throws(Failure) -> String {
        let from = at
        while at < text.count, Self.isName(text[at]) { at += 1 }
        guard at > from else { throw fail("a variable has no name", start) }
        return String(decoding: text[from..<at], as: UTF8.self)
    }

    private mutating func close(_ start: Int) throws(Failure) {
        guard peek() == UInt8(ascii: "}") else { throw fail("a variable does not end", start) }
        at += 1
    }

    /// Text up to `}` (or `end`), variables inside it replaced; `at` is then behind it.
    private mutating func argument(_ start: Int, _ depth: Int, until end: UInt8 = UInt8(ascii: "}")) throws(Failure)
        -> String
    {
        var parts: [UInt8] = []
        while at < text.count {
            let byte = text[at]
            if byte == end {
                at += 1
                return String(decoding: parts, as: UTF8.self)
            }
            if byte == UInt8(ascii: "}") { break }
            if byte == UInt8(ascii: "$"), at + 1 < text.count, text[at + 1] == UInt8(ascii: "{") {
                parts += Array(try variable(depth: depth + 1).utf8)
            } else if byte == UInt8(ascii: "\\"), at + 1 < text.count {
                parts.append(text[at + 1])
                at += 2
            } else {
                parts.append(byte)
                at += 1
            }
        }
        throw fail("a variable does not end", start)
    }

    /// `/a/b`, `//a/b`, `/#a/b`, `/%a/b`: literal texts.
    private mutating func replaced(_ value: String, _ start: Int, _ depth: Int) throws(Failure) -> String {
        at += 1
        let kind = peek()
        if kind == UInt8(ascii: "/") || kind == UInt8(ascii: "#") || kind == UInt8(ascii: "%") { at += 1 }
        let old = Array(try argument(start, depth, until: UInt8(ascii: "/")).utf8)
        let new = Array(try argument(start, depth).utf8)
        let bytes = Array(value.utf8)
        guard !old.isEmpty, bytes.count >= old.count else { return value }
        switch kind {
        case UInt8(ascii: "#"):
            return bytes.starts(with: old) ? String(decoding: new + bytes.dropFirst(old.count), as: UTF8.self) : value
        case UInt8(ascii: "%"):
            return bytes.suffix(old.count).elementsEqual(old)
                ? String(decoding: bytes.dropLast(old.count) + new, as: UTF8.self) : value
        default:
            var made: [UInt8] = []
            var i = 0
            var count = 0
            while i < bytes.count {
                if i + old.count <= bytes.count, bytes[i..<i + old.count].elementsEqual(old),
                    kind == UInt8(ascii: "/") || count == 0
                {
                    made += new
                    i += old.count
                    count += 1
                } else {
                    made.append(bytes[i])
                    i += 1
                }
            }
            return String(decoding: made, as: UTF8.self)
        }
    }

    /// `N` or `N:M` of `${V:N:M}`: bytes from N on, at most M; N may count from the end. No number: the value as it is.
    private static func slice(_ value: String, _ argument: String) -> String {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let bytes = Array(value.utf8)
        guard let first = parts.first, let position = Int(first) else { return value }
        let start =
            position < 0
            ? max(
                0,
                bytes.count - min(bytes.count, position.magnitude <= UInt(Int.max) ? Int(position.magnitude) : Int.max)
            ) : position
        guard start <= bytes.count else { return "" }
        guard parts.count > 1 else { return String(decoding: bytes[start...], as: UTF8.self) }
        guard let length = Int(parts[1]), length >= 0 else { return value }
        return String(decoding: bytes[start...].prefix(length), as: UTF8.self)
    }

    private static func changeCase(_ value: String, upper: Bool, all: Bool) -> String {
        if all { return upper ? value.uppercased() : value.lowercased() }
        guard let first = value.first else { return value }
        return (upper ? first.uppercased() : first.lowercased()) + value.dropFirst()
    }

    private static func trim(_ value: String, _ pattern: String, prefix: Bool, longest: Bool) -> String {
        let bytes = Array(value.utf8)
        let glob = Array(pattern.utf8)
        // Trying every length takes cubic time: values and globs far above what a configuration holds stay as they are.
        guard bytes.count <= 1024, glob.count <= 64 else { return value }
        let lengths = Array(0...bytes.count)
        for length in longest ? lengths.reversed() : lengths {
            let part = prefix ? bytes[..<length] : bytes[(bytes.count - length)...]
            if matches(Array(part), glob) {
                return String(decoding: prefix ? bytes[length...] : bytes[..<(bytes.count - length)], as: UTF8.self)
            }
        }
        return value
    }

    /// `*` any run, `?` any byte; iterative, so that no pattern takes exponential time.
    private static func matches(_ text: [UInt8], _ glob: [UInt8]) -> Bool {
        var i = 0
        var j = 0
        var star: (glob: Int, text: Int)?
        while i < text.count {
            if j < glob.count, glob[j] == UInt8(ascii: "?") || glob[j] == text[i], glob[j] != UInt8(ascii: "*") {
                i += 1
                j += 1
            } else if j < glob.count, glob[j] == UInt8(ascii: "*") {
                star = (j, i)
                j += 1
            } else if let last = star {
                star = (last.glob, last.text + 1)
                (j, i) = (last.glob + 1, last.text + 1)
            } else {
                return false
            }
        }
        while j < glob.count, glob[j] == UInt8(ascii: "*") { j += 1 }
        return j == glob.count
    }
}
