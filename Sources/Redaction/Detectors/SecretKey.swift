import Bytes

/// What the name of a key says about its value.
enum SecretKey: Sendable {
    /// Any value that is no placeholder: `password`.
    case anyValue
    /// A value that looks made by a machine: `api_key`, `secret`.
    case keyLike
    /// A long value of letters and digits: `token`, a word that model servers use for other things too.
    case tokenLike
    /// As `tokenLike`, or ten bytes with small letters, capitals and two digits among them: `token` alone, `pass`.
    case mixed
    /// Four to eight digits: `pin`, `otp`, `cvv` (three or four).
    case digits
    /// The value of an `Authorization` header, or of `Cookie`.
    case authorization, cookie
    /// A parameter that is secret in the query of a URL only.
    case queryParameter
    case socialSecurity

    /// Longest name looked at, bytes.
    static let nameMax = 64
    private static let bareMax = 1024

    /// Whether `value`, without its quotes, is a secret under such a name. `quoted`: it had quotes, so that nothing
    /// but the value can be in it.
    func accepts(_ value: ByteView, quoted: Bool) -> Bool {
        guard !Placeholder.matches(value) else { return false }
        // No word is so long, and looking closer at each of many nested ones would take quadratic time.
        if !quoted, value.count > SecretKey.bareMax { return true }
        switch self {
        case .anyValue: return quoted || (value.count >= 3 && !SecretKey.isCode(value))
        case .keyLike:
            guard value.count >= 8, !SecretKey.isCode(value) else { return false }
            // Quotes say where it ends, so that it may hold blanks; prose has no digits and capitals among its letters.
            guard SecretKey.isOneWord(value) else { return quoted && SecretKey.isPassphrase(value) }
            return SecretKey.hasDigitAndLetter(value) || SecretKey.mix(value).nonzeroBitCount > 2
        case .tokenLike:
            guard value.count >= 16, value.run(of: [.base64URL, .base64Extra, .dot, .tilde], from: 0) == value.count
            else { return false }
            return SecretKey.hasDigitAndLetter(value)
        case .mixed:
            if SecretKey.tokenLike.accepts(value, quoted: quoted) { return true }
            guard value.count >= 10, value.run(of: [.base64URL, .base64Extra], from: 0) == value.count else { return false }
            var digits = 0
            for i in value.indices where value[i].isDigit { digits += 1 }
            return digits >= 2 && SecretKey.mix(value) & 7 == 7
        case .digits:
            return (3...8).contains(value.count) && value.run(of: .digit, from: 0) == value.count
        case .authorization, .cookie, .queryParameter, .socialSecurity: return false
        }
    }

    /// Values that have a form of their own.
    var isHeader: Bool {
        switch self {
        case .authorization, .cookie: true
        default: false
        }
    }

    /// For values behind `:` or blanks without quotes, where prose is likely: it must look like a secret by itself.
    static func isStrong(_ value: ByteView) -> Bool { value.count >= 6 && hasDigitAndLetter(value) && isOneWord(value) }

    /// Words with digits and capitals inside: `Correct-Horse 42 battery`, not `Secret not found`.
    private static func isPassphrase(_ value: ByteView) -> Bool {
        guard value.count <= 128, mix(value) & 7 == 7 else { return false }
        var blanks = 0
        for i in value.indices where value[i] <= 0x20 { blanks += 1 }
        return blanks * 4 <= value.count && !value.contains(ByteView(": ")) && !value.contains(UInt8(ascii: "/"))
    }

    private static func isOneWord(_ value: ByteView) -> Bool {
        for i in value.indices where value[i] <= 0x20 { return false }
        return true
    }

    /// Source text in tracebacks and reprs: `password=self.password`, `token=get_token(`.
    private static func isCode(_ value: ByteView) -> Bool {
        if value.contains(UInt8(ascii: "(")) { return true }
        for head in codeHeads where value.hasPrefix(head) { return true }
        // A path: the working directory in a dump of the environment, a mounted secret.
        guard value.first == UInt8(ascii: "/") else { return false }
        return value.firstIndex(of: UInt8(ascii: "/"), from: 1) != nil || !hasDigitAndLetter(value)
    }

    private static let codeHeads: [StaticString] = [
        "self.", "os.", "args.", "config.", "settings.", "env.", "process.env", "kwargs", "cfg.",
    ]

    /// Which occur: digits (1), small letters (2), capitals (4), the rest (8).
    private static func mix(_ value: ByteView) -> Int {
        var seen = 0
        for i in value.indices {
            let byte = value[i]
            seen |= byte.isDigit ? 1 : byte &- 0x61 < 26 ? 2 : byte &- 0x41 < 26 ? 4 : 8
        }
        return seen
    }

    private static func hasDigitAndLetter(_ value: ByteView) -> Bool {
        var digit = false
        var letter = false
        for i in value.indices {
            if value[i].isDigit { digit = true } else if value[i].isLetter { letter = true }
        }
        return digit && letter
    }
}
