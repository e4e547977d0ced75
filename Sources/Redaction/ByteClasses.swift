import Bytes

/// Alphabets of tokens, as one lookup a byte.
struct ByteClass: OptionSet, Sendable {
    let rawValue: UInt16

    static let digit = ByteClass(rawValue: 1)
    static let lower = ByteClass(rawValue: 2)
    static let upper = ByteClass(rawValue: 4)
    /// `a` to `f`.
    static let lowerHex = ByteClass(rawValue: 8)
    /// `A` to `F`.
    static let upperHex = ByteClass(rawValue: 16)
    static let dash = ByteClass(rawValue: 32)
    static let underscore = ByteClass(rawValue: 64)
    static let dot = ByteClass(rawValue: 128)
    /// `+`, `/`, `=`: what base64 adds to letters and digits.
    static let base64Extra = ByteClass(rawValue: 256)
    static let tilde = ByteClass(rawValue: 512)
    static let slash = ByteClass(rawValue: 1024)
    static let star = ByteClass(rawValue: 2048)

    static let alphanumeric: ByteClass = [.digit, .lower, .upper]
    static let hex: ByteClass = [.digit, .lowerHex, .upperHex]
    static let base64: ByteClass = [.digit, .lower, .upper, .base64Extra]
    static let base64URL: ByteClass = [.digit, .lower, .upper, .dash, .underscore]

    private static let table: [ByteClass] = (0..<256).map { value in
        let byte = UInt8(value)
        var found: ByteClass = []
        switch byte {
        case 0x30...0x39: found = .digit
        case 0x61...0x7A: found = byte <= 0x66 ? [.lower, .lowerHex] : .lower
        case 0x41...0x5A: found = byte <= 0x46 ? [.upper, .upperHex] : .upper
        case UInt8(ascii: "-"): found = .dash
        case UInt8(ascii: "_"): found = .underscore
        case UInt8(ascii: "."): found = .dot
        case UInt8(ascii: "+"), UInt8(ascii: "="): found = .base64Extra
        case UInt8(ascii: "/"): found = [.base64Extra, .slash]
        case UInt8(ascii: "~"): found = .tilde
        case UInt8(ascii: "*"): found = .star
        default: break
        }
        return found
    }

    func contains(byte: UInt8) -> Bool { !isDisjoint(with: ByteClass.table[Int(byte)]) }
}

extension ByteView {
    /// The byte at `index`, or NUL outside: NUL belongs to no class, so borders need no special case.
    func at(_ index: Int) -> UInt8 { index >= 0 && index < count ? self[index] : 0 }

    /// Length of the run of `alphabet` that begins at `start`, at most `limit`.
    func run(of alphabet: ByteClass, from start: Int, limit: Int = .max) -> Int {
        var i = start
        let end = limit < count - start ? start + limit : count
        while i < end, alphabet.contains(byte: self[i]) { i += 1 }
        return max(0, i - start)
    }

    /// Where the run of `alphabet` that ends before `end` begins, looking back at most `limit` bytes.
    func runStart(of alphabet: ByteClass, before end: Int, limit: Int) -> Int {
        var i = end
        let low = max(0, end - limit)
        while i > low, alphabet.contains(byte: self[i - 1]) { i -= 1 }
        return i
    }

    /// Whether the text at `start` is `word`, given in lower case.
    func hasWord(_ word: StaticString, at start: Int, ignoringCase: Bool = true) -> Bool {
        let other = ByteView(word)
        guard start >= 0, start + other.count <= count else { return false }
        for i in 0..<other.count {
            let byte = self[start + i]
            if (ignoringCase ? byte.lowercased : byte) != other[i] { return false }
        }
        return true
    }

    /// Whether a number could go on beyond its border: a letter, digit or `_` next to it, or `.` or `-` and then one.
    func numberGoesOn(after end: Int) -> Bool {
        let next = at(end)
        if next.isAlphanumeric || next == UInt8(ascii: "_") { return true }
        if next == UInt8(ascii: "-") { return at(end + 1).isAlphanumeric }
        if next == UInt8(ascii: ".") { return at(end + 1).isDigit }
        return false
    }

    func numberComesFrom(before start: Int) -> Bool {
        let last = at(start - 1)
        if last.isAlphanumeric || last == UInt8(ascii: "_") || last == UInt8(ascii: "+") { return true }
        if last == UInt8(ascii: "-") { return at(start - 2).isAlphanumeric }
        if last == UInt8(ascii: ".") { return at(start - 2).isDigit }
        return false
    }
}
