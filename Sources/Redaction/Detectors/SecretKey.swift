import Bytes

/// What the name of a key says about its value.
enum SecretKey: Sendable {
    /// Any value that is no placeholder: `password`.
    case anyValue
    /// A value that looks made by a machine: `api_key`, `secret`.
    case keyLike
    /// A long value of letters and digits: `token`, a word that model servers use for other things too.
    case tokenLike
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

    /// By the end of the name, in any case and with any joints: `db_password`, `X-Api-Key`, `accessToken`.
    static func classify(_ name: ByteView) -> SecretKey? {
        guard name.count <= nameMax, name.count >= 3 else { return nil }
        // Letters and digits of the name, in lower case, in a fixed block.
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: nameMax) { block -> SecretKey? in
            var length = 0
            for i in name.indices where name[i].isAlphanumeric {
                block[length] = name[i].lowercased
                length += 1
            }
            let folded = ByteView(unsafe: UnsafeRawBufferPointer(start: block.baseAddress, count: length))
            for entry in table {
                let suffix = ByteView(entry.suffix)
                if entry.whole ? folded == suffix : folded.hasSuffix(suffix) { return entry.key }
            }
            return nil
        }
    }

    private struct Entry: Sendable {
        var suffix: StaticString
        var key: SecretKey
        var whole: Bool
        init(_ suffix: StaticString, _ key: SecretKey, whole: Bool = false) {
            self.suffix = suffix
            self.key = key
            self.whole = whole
        }
    }

    private static let table: [Entry] = [
        Entry("password", .anyValue), Entry("passwd", .anyValue), Entry("passphrase", .anyValue),
        Entry("pwd", .anyValue),
        Entry("clientsecret", .anyValue), Entry("secretkey", .anyValue), Entry("secretaccesskey", .anyValue),
        Entry("privatekey", .anyValue), Entry("sharedsecret", .anyValue), Entry("apisecret", .anyValue),
        Entry("appsecret", .anyValue), Entry("consumersecret", .anyValue), Entry("webhooksecret", .anyValue),
        Entry("signingsecret", .anyValue),
        Entry("secret", .keyLike), Entry("apikey", .keyLike), Entry("accesskey", .keyLike), Entry("authkey", .keyLike),
        Entry("masterkey", .keyLike), Entry("encryptionkey", .keyLike), Entry("subscriptionkey", .keyLike),
        Entry("credential", .keyLike), Entry("credentials", .keyLike),
        Entry("token", .tokenLike), Entry("sessionkey", .tokenLike),
        Entry("cvv", .digits), Entry("cvv2", .digits), Entry("cvc", .digits), Entry("pin", .digits, whole: true),
        Entry("otp", .digits, whole: true), Entry("pincode", .digits, whole: true),
        Entry("otpcode", .digits, whole: true),
        Entry("authorization", .authorization), Entry("cookie", .cookie),
        Entry("ssn", .socialSecurity, whole: true), Entry("socialsecuritynumber", .socialSecurity),
        Entry("xamzsignature", .queryParameter, whole: true), Entry("xamzcredential", .queryParameter, whole: true),
        Entry("xgoogsignature", .queryParameter, whole: true), Entry("signature", .queryParameter, whole: true),
        Entry("sig", .queryParameter, whole: true), Entry("key", .queryParameter, whole: true),
        Entry("code", .queryParameter, whole: true),
    ]

    /// Whether `value`, without its quotes, is a secret under such a name. `quoted`: it had quotes, so that nothing
    /// but the value can be in it.
    func accepts(_ value: ByteView, quoted: Bool) -> Bool {
        guard !Placeholder.matches(value) else { return false }
        // No word is so long, and looking closer at each of many nested ones would take quadratic time.
        if !quoted, value.count > SecretKey.bareMax { return true }
        switch self {
        case .anyValue: return quoted || (value.count >= 3 && !SecretKey.isCode(value))
        case .keyLike:
            return value.count >= 8 && SecretKey.isOneWord(value) && !SecretKey.isCode(value)
                && (SecretKey.hasDigitAndLetter(value) || SecretKey.mix(value) > 2)
        case .tokenLike:
            guard value.count >= 16, value.run(of: [.base64URL, .base64Extra, .dot, .tilde], from: 0) == value.count
            else { return false }
            return SecretKey.hasDigitAndLetter(value)
        case .digits:
            return (3...8).contains(value.count) && value.run(of: .digit, from: 0) == value.count
        case .authorization, .cookie, .queryParameter, .socialSecurity: return false
        }
    }

    /// For values behind `:` or blanks without quotes, where prose is likely: it must look like a secret by itself.
    static func isStrong(_ value: ByteView) -> Bool { value.count >= 6 && hasDigitAndLetter(value) && isOneWord(value) }

    private static func isOneWord(_ value: ByteView) -> Bool {
        for i in value.indices where value[i] <= 0x20 { return false }
        return true
    }

    /// Source text in tracebacks and reprs: `password=self.password`, `token=get_token(`.
    private static func isCode(_ value: ByteView) -> Bool {
        if value.contains(UInt8(ascii: "(")) { return true }
        for head in codeHeads where value.hasPrefix(head) { return true }
        // The working directory in a dump of the environment.
        return value.first == UInt8(ascii: "/")
    }

    private static let codeHeads: [StaticString] = [
        "self.", "os.", "args.", "config.", "settings.", "env.", "process.env", "kwargs", "cfg.",
    ]

    /// How many of lower case, capitals, digits and the rest occur.
    private static func mix(_ value: ByteView) -> Int {
        var seen = 0
        for i in value.indices {
            let byte = value[i]
            seen |= byte.isDigit ? 1 : byte &- 0x61 < 26 ? 2 : byte &- 0x41 < 26 ? 4 : 8
        }
        return seen.nonzeroBitCount
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
