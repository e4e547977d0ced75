import Bytes

/// `password=…`, `"api_key": "…"`, `token => '…'` in text: the name says that the value is secret.
enum SecretDetector {
    /// The value behind the name around the word `[start, end)`. Appends to `found`.
    static func match(_ subject: Subject, word start: Int, _ end: Int, into found: inout [Finding]) {
        let text = subject.text
        let joints: ByteClass = [.alphanumeric, .underscore, .dash]
        let nameStart = text.runStart(of: joints, before: start, limit: SecretKey.nameMax)
        let nameEnd = end + text.run(of: joints, from: end, limit: SecretKey.nameMax)
        guard let key = SecretKey.classify(text[nameStart..<nameEnd]), let value = Value(subject, behind: nameEnd)
        else { return }
        switch key {
        case .authorization: AuthorizationDetector.matchHeader(subject, value, into: &found)
        case .cookie: AuthorizationDetector.matchCookie(subject, value, into: &found)
        case .socialSecurity: break
        case .queryParameter:
            if value.isPlainAssignment,
                let range = URLCredentialDetector.matchQuery(subject, nameStart: nameStart, valueStart: value.start)
            {
                found.append(Finding(detector: .urlCredential, range: range))
            }
        case .anyValue, .keyLike, .tokenLike, .digits:
            let range = value.start..<value.end
            let inner = text[range]
            guard key.accepts(inner, quoted: value.isQuoted),
                value.isQuoted || !value.isWeak || SecretKey.isStrong(inner),
                value.isQuoted || inner != text[nameStart..<nameEnd]
            else { return }
            found.append(Finding(detector: .secret, range: range))
        }
    }

    /// Where the value behind a name begins and ends.
    struct Value {
        var start: Int
        var end: Int
        var isQuoted: Bool
        /// Without quotes, behind a colon or blanks: `pam_unix(chpasswd:session)` and prose look like this too.
        var isWeak: Bool
        /// `name=value`, no quotes, no blanks: as in URLs.
        var isPlainAssignment: Bool

        /// nil when no `=`, `:`, `=>` or `:=` follows the name.
        init?(_ subject: Subject, behind nameEnd: Int) {
            let text = subject.text
            var at = nameEnd
            var quotedName = false
            if text.at(at) == UInt8(ascii: "\"") || text.at(at) == UInt8(ascii: "'") {
                quotedName = true
                at += 1
            }
            // `os.environ["PASSWORD"] = …`
            if quotedName, text.at(at) == UInt8(ascii: "]") { at += 1 }
            let blanksBefore = text.blanks(from: at)
            at += blanksBefore
            let sign = text.at(at)
            guard sign == UInt8(ascii: "=") || sign == UInt8(ascii: ":") else { return nil }
            at += 1
            if text.at(at) == UInt8(ascii: "=") || text.at(at) == UInt8(ascii: ">") { at += 1 }
            let blanksBehind = text.blanks(from: at)
            at += blanksBehind
            guard at < text.count else { return nil }
            if text[at] == UInt8(ascii: "b"), text.at(at + 1) == UInt8(ascii: "'") { at += 1 }  // Python's bytes
            if text[at] == UInt8(ascii: "\"") || text[at] == UInt8(ascii: "'") || text[at] == UInt8(ascii: "`") {
                end = Delimiter.quotedEnd(subject, at)
                start = at + 1
                isQuoted = true
            } else {
                // A quoted name with a bare value (a number in nested JSON) ends like any bare value.
                end = Delimiter.unquotedEnd(subject, at)
                start = at
                isQuoted = false
            }
            guard start <= end else { return nil }
            let hasBlanks = blanksBehind > 0 || blanksBefore > 0
            isWeak = !isQuoted && !quotedName && (hasBlanks || sign == UInt8(ascii: ":"))
            isPlainAssignment = sign == UInt8(ascii: "=") && !hasBlanks && !isQuoted && !quotedName
        }
    }
}

extension ByteView {
    /// Length of the run of blanks and tabs at `start`, at most eight.
    fileprivate func blanks(from start: Int) -> Int {
        var i = start
        while i < count, i - start < 8, self[i] == 0x20 || self[i] == 0x09 { i += 1 }
        return i - start
    }
}
