import Bytes

/// A literal whose presence calls a detector.
struct Trigger: Sendable {
    enum Action: Sendable {
        case apiKey(APIKeyRule)
        case jwt
        case pem
        case putty
        /// A word that ends the name of a secret.
        case secretWord
        /// `key=` and others: secret in the query of a URL.
        case queryWord
        case bearer
        case basic
        case socialSecurity
    }

    // No `String` inside: triggers are copied on the hot path, and this keeps them free of reference counts.
    var literal: StaticString
    var ignoresCase: Bool
    var action: Action
    /// A word that is a secret's name with more behind it too: `password_new`.
    let takesTail: Bool
    /// A word that is the value of many a field too: it must be a key.
    let isCommon: Bool
    let length: Int

    init(
        _ literal: StaticString, ignoresCase: Bool = false, takesTail: Bool = false, isCommon: Bool = false, _ action: Action
    ) {
        self.takesTail = takesTail
        self.isCommon = isCommon
        self.literal = literal
        self.ignoresCase = ignoresCase
        self.action = action
        length = literal.utf8CodeUnitCount
    }

    static func all(for detectors: Set<Detector>) -> [Trigger] {
        var found: [Trigger] = []
        if detectors.contains(.apiKey) { found += APIKeyRule.all.map { Trigger($0.prefix, .apiKey($0)) } }
        if detectors.contains(.jwt) { found.append(Trigger("eyJ", .jwt)) }
        if detectors.contains(.privateKey) {
            found += [Trigger("-----BEGIN ", .pem), Trigger("Private-Lines:", .putty)]
        }
        if detectors.contains(.secret) {
            let stems: [StaticString] = ["password", "passwd", "passphrase", "secret", "apikey", "api_key", "api-key"]
            found += stems.map { Trigger($0, ignoresCase: true, takesTail: true, .secretWord) }
            let words: [StaticString] = [
                "pwd", "secretkey", "secret_key", "secret-key",
                "privatekey",
                "private_key", "private-key", "token", "accesskey", "access_key",
                "access-key",
                "passwort", "kennwort",
                "authkey", "auth_key", "auth-key", "masterkey", "master_key", "master-key", "encryptionkey",
                "encryption_key",
                "encryption-key", "subscriptionkey", "subscription_key", "subscription-key", "sessionkey",
                "session_key",
                "session-key", "credential", "credentials", "cvv", "cvv2", "cvc", "pin", "otp", "pincode", "pin_code",
                "otpcode", "otp_code",
            ]
            found += words.map { Trigger($0, ignoresCase: true, .secretWord) }
            // `"state": "pass"` is common, and its line need not be looked at.
            found.append(Trigger("pass", ignoresCase: true, isCommon: true, .secretWord))
        }
        if detectors.contains(.authorization) {
            found.append(Trigger("authorization", ignoresCase: true, .secretWord))
            found.append(Trigger("cookie", ignoresCase: true, .secretWord))
            found.append(Trigger("bearer ", ignoresCase: true, .bearer))
            found.append(Trigger("basic ", ignoresCase: true, .basic))
        }
        if detectors.contains(.urlCredential) {
            let words: [StaticString] = ["key=", "sig=", "signature=", "code=", "x-amz-credential="]
            found += words.map { Trigger($0, ignoresCase: true, .queryWord) }
        }
        if detectors.contains(.ssn) {
            let words: [StaticString] = ["ssn", "social security", "social_security", "socialsecurity"]
            found += words.map { Trigger($0, ignoresCase: true, .socialSecurity) }
        }
        return found
    }

    /// Whether the byte at `last` may end `ESC [ 33 m`, however the escape itself is written.
    private static func endsControlSequence(_ text: ByteView, at last: Int) -> Bool {
        guard text.at(last) == UInt8(ascii: "m") else { return false }
        var i = last - 1
        while i > last - 24, text.at(i).isDigit || text.at(i) == UInt8(ascii: ";") { i -= 1 }
        return text.at(i) == UInt8(ascii: "[")
    }

    /// Whether the name with the word `[start, end)` in it ends soon, and a sign follows: a quote, a backslash before a
    /// quote, `=` or `:`; a blank and a value behind an option, `>` behind an element.
    private func endsName(_ text: ByteView, _ start: Int, _ end: Int) -> Bool {
        if isCommon {
            var i = end
            while i < end + 8, text.at(i) == UInt8(ascii: "\\") || text.at(i) == UInt8(ascii: "\"") || text.at(i) == UInt8(ascii: "'")
                || text.at(i) == 0x20
            {
                i += 1
            }
            guard text.at(i) == UInt8(ascii: ":") || text.at(i) == UInt8(ascii: "=") || text.at(i) == UInt8(ascii: "%") else {
                return false
            }
            // Not `"bypass":`. What may be an escape in front of the name is no part of it.
            let name = text.runStart(of: [.alphanumeric, .dash, .underscore], before: start, limit: SecretKey.nameMax)
            let before = text.at(name - 1)
            return before == UInt8(ascii: "\\") || before == UInt8(ascii: "%") || before == UInt8(ascii: "[")
                || SecretKey.classify(text[name..<end]) != nil
        }
        let end = takesTail ? end + text.run(of: [.alphanumeric, .dash, .underscore], from: end, limit: SecretKey.tailMax) : end
        switch text.at(end) {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "="), UInt8(ascii: ":"),
            UInt8(ascii: "%"), UInt8(ascii: ">"), 0x1B:
            return true
        case 0x20, 0x09:
            var i = end
            while i < end + 8, text.at(i) == 0x20 || text.at(i) == 0x09 { i += 1 }
            if text.at(i) == UInt8(ascii: "=") || text.at(i) == UInt8(ascii: ":") || text.at(i) == UInt8(ascii: "\\") {
                return true
            }
            let name = text.runStart(of: [.alphanumeric, .dash, .underscore], before: start, limit: SecretKey.tailMax)
            return text[name..<start].contains(ByteView("--"))
        default: return false
        }
    }

    /// A cheap look around a hit in text that may hold escapes: false only where no detector could confirm it.
    func isPlausible(in text: ByteView, _ start: Int, _ end: Int) -> Bool {
        switch action {
        case .secretWord:
            return endsName(text, start, end)
        case .queryWord:
            let before = text.at(start - 1)
            return !before.isAlphanumeric || text.at(start - 2) == UInt8(ascii: "\\")
                || text.at(start - 6) == UInt8(ascii: "\\")
        case .apiKey(let rule):
            switch rule.shape {
            case .telegram, .terraform, .azureSecret, .mailchimp, .slackHook: return true
            case .run, .exactly, .runWithDigit, .sk, .dotted:
                // Behind a letter or digit it is no prefix, unless that ends an escape (`\n`, `\u201c`, `%3D`) or a
                // terminal's control sequence.
                let before = text.at(start - 1)
                if before.isAlphanumeric, text.at(start - 2) != UInt8(ascii: "\\"),
                    text.at(start - 6) != UInt8(ascii: "\\"),
                    text.at(start - 3) != UInt8(ascii: "%"), text.at(start - 4) != UInt8(ascii: "\\"),
                    !Self.endsControlSequence(text, at: start - 1)
                {
                    return false
                }
                return rule.alphabet.contains(byte: text.at(end))
            }
        case .basic: return text.run(of: .base64, from: end, limit: AuthorizationDetector.basicMin) >= AuthorizationDetector.basicMin
        case .jwt, .pem, .putty, .bearer, .socialSecurity: return true
        }
    }
}
