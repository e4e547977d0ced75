import Bytes

/// What stands in `ip("…")`: an address, a CIDR block, or a range `first-last`, of either version.
package struct IPPattern: Sendable, Equatable {
    private let low: IPAddress
    private let high: IPAddress

    /// Throws `ip: invalid pattern: "…"`.
    package init(_ text: ByteString) throws(StageError) {
        let parsed = text.withView { view -> (IPAddress, IPAddress)? in
            if let dash = view.firstIndex(of: 0x2D) {
                guard let low = IPAddress(view[0..<dash]), let high = IPAddress(view.suffix(from: dash + 1)),
                    low.isV4 == high.isV4, !(high < low)
                else { return nil }
                return (low, high)
            }
            if let slash = view.firstIndex(of: 0x2F) {
                guard let address = IPAddress(view[0..<slash]) else { return nil }
                let digits = view.suffix(from: slash + 1)
                guard digits.count >= 1, digits.count <= 3 else { return nil }
                var bits = 0
                for i in digits.indices {
                    guard digits[i].isDigit else { return nil }
                    bits = bits * 10 + Int(digits[i] - 0x30)
                }
                guard bits <= (address.isV4 ? 32 : 128), digits.count == 1 || digits[0] != 0x30 else { return nil }
                return address.block(bits)
            }
            return IPAddress(view).map { ($0, $0) }
        }
        guard let parsed else { throw StageError("ip: invalid pattern: \(text.withView { GoText.quote($0) })") }
        (low, high) = parsed
    }

    func contains(_ address: IPAddress) -> Bool {
        address.isV4 == low.isV4 && !(address < low) && !(high < address)
    }

    /// Whether an address of the pattern stands anywhere in `line`.
    ///
    /// Runs of the characters that addresses are made of are tried as a whole; from `1.2.3.4.5`, `1.2.3.4:80` and the
    /// like, which are none, the longest leading part of the right shape is tried. O(line).
    package func isIn(_ line: ByteView) -> Bool {
        var i = 0
        while i < line.count {
            // An address starts with a hexadecimal digit or `::`.
            guard line[i].isHexDigit || line[i] == 0x3A else {
                i += 1
                continue
            }
            var end = i
            var dots = 0
            var colons = 0
            while end < line.count, line[end].isHexDigit || line[end] == 0x2E || line[end] == 0x3A {
                if line[end] == 0x2E { dots += 1 }
                if line[end] == 0x3A { colons += 1 }
                end += 1
            }
            if dots >= 3 || colons >= 2, search(line[i..<end]) { return true }
            i = end
        }
        return false
    }

    // `run` holds hexadecimal digits, dots and colons only.
    private func search(_ run: ByteView) -> Bool {
        if let address = IPAddress(run) { return contains(address) }
        // The whole is none: `1.2.3.4:80`, `a10.0.0.1`, `10.0.0.1.`. Try every start of a number as dotted quad, and
        // what is left after a trailing dot or colon.
        var start = 0
        while start < run.count {
            if run[start].isDigit, start == 0 || !run[start - 1].isDigit && run[start - 1] != 0x2E {
                var end = start
                var dots = 0
                while end < run.count, run[end].isDigit || (run[end] == 0x2E && dots < 3) {
                    if run[end] == 0x2E { dots += 1 }
                    end += 1
                }
                let isWhole = end == run.count || run[end] != 0x2E || end + 1 == run.count || !run[end + 1].isDigit
                if isWhole, let address = IPAddress(run[start..<end]), contains(address) { return true }
                start = max(end, start + 1)
            } else {
                start += 1
            }
        }
        if let last = run.last, last == 0x2E || last == 0x3A, let address = IPAddress(run[0..<run.count - 1]) {
            return contains(address)
        }
        return false
    }
}

/// An address of version 4 or 6.
struct IPAddress: Equatable, Comparable, Sendable {
    let isV4: Bool
    /// The upper half is 0 for version 4.
    let upper: UInt64
    let lower: UInt64

    private init(isV4: Bool, upper: UInt64, lower: UInt64) {
        self.isV4 = isV4
        self.upper = upper
        self.lower = lower
    }

    static func < (a: IPAddress, b: IPAddress) -> Bool {
        a.upper == b.upper ? a.lower < b.lower : a.upper < b.upper
    }

    /// Strict: four decimal numbers without leading zeros, or RFC 4291 text. `::ffff:192.0.2.1` is version 6, as in Go.
    init?(_ text: ByteView) {
        if text.contains(0x3A) {
            guard let groups = Self.groups(text) else { return nil }
            var upper: UInt64 = 0
            var lower: UInt64 = 0
            for i in 0..<4 {
                upper = upper << 16 | UInt64(groups[i])
                lower = lower << 16 | UInt64(groups[i + 4])
            }
            self.init(isV4: false, upper: upper, lower: lower)
        } else {
            guard let value = Self.quad(text) else { return nil }
            self.init(isV4: true, upper: 0, lower: UInt64(value))
        }
    }

    private static func quad(_ text: ByteView) -> UInt32? {
        guard text.count >= 7, text.count <= 15 else { return nil }
        var value: UInt32 = 0
        var i = 0
        for part in 0..<4 {
            if part > 0 {
                guard i < text.count, text[i] == 0x2E else { return nil }
                i += 1
            }
            let start = i
            var number: UInt32 = 0
            while i < text.count, text[i].isDigit, i - start < 4 {
                number = number * 10 + UInt32(text[i] - 0x30)
                i += 1
            }
            guard i > start, number <= 255, i - start == 1 || text[start] != 0x30 else { return nil }
            value = value << 8 | number
        }
        return i == text.count ? value : nil
    }

    private static func groups(_ text: ByteView) -> [UInt16]? {
        var groups: [UInt16] = []
        var gap: Int?
        var i = 0
        if text.count >= 2, text[0] == 0x3A {
            guard text[1] == 0x3A else { return nil }
            gap = 0
            i = 2
        }
        while i < text.count {
            guard groups.count < 8 else { return nil }
            let start = i
            var value: UInt32 = 0
            while i < text.count, text[i].isHexDigit, i - start < 5 {
                let c = text[i].lowercased
                value = value << 4 | UInt32(c < 0x3A ? c - 0x30 : c - 0x57)
                i += 1
            }
            if i < text.count, text[i] == 0x2E {
                // The last 32 bits may be written as a dotted quad.
                guard groups.count <= 6, let quad = quad(text.suffix(from: start)) else { return nil }
                groups.append(UInt16(quad >> 16))
                groups.append(UInt16(quad & 0xFFFF))
                i = text.count
                break
            }
            guard i > start, i - start <= 4 else { return nil }
            groups.append(UInt16(value))
            if i == text.count { break }
            guard text[i] == 0x3A else { return nil }
            i += 1
            if i < text.count, text[i] == 0x3A {
                guard gap == nil else { return nil }
                gap = groups.count
                i += 1
            } else if i == text.count {
                return nil
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
        }
        return groups.count == 8 ? groups : nil
    }

    /// First and last address of the block with `bits` leading bits in common.
    func block(_ bits: Int) -> (IPAddress, IPAddress) {
        func mask(_ bits: Int) -> UInt64 { bits <= 0 ? 0 : bits >= 64 ? .max : .max << UInt64(64 - bits) }
        if isV4 {
            let keep = mask(bits + 32)
            let low = lower & keep & 0xFFFF_FFFF
            return (
                IPAddress(isV4: true, upper: 0, lower: low),
                IPAddress(isV4: true, upper: 0, lower: low | (~keep & 0xFFFF_FFFF))
            )
        }
        let high = mask(bits)
        let rest = mask(bits - 64)
        return (
            IPAddress(isV4: false, upper: upper & high, lower: lower & rest),
            IPAddress(isV4: false, upper: upper | ~high, lower: lower | ~rest)
        )
    }
}
