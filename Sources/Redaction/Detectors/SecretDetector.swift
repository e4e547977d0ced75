import Bytes

/// `password=…`, `"api_key": "…"`, `token => '…'` in text: the name says that the value is secret.
enum SecretDetector {
    /// The value behind the name around the word `[start, end)`. Appends to `found`.
    static func match(_ subject: Subject, word start: Int, _ end: Int, into found: inout [Finding]) {
        let text = subject.text
        let joints: ByteClass = [.alphanumeric, .underscore, .dash]
        let nameStart = text.runStart(of: joints, before: start, limit: SecretKey.nameMax)
        let nameEnd = end + text.run(of: joints, from: end, limit: SecretKey.nameMax)
        guard let key = SecretKey.classify(text[nameStart..<nameEnd]),
            let value = Value(subject, name: nameStart..<nameEnd, pastCommas: key == .anyValue)
        else { return }
        if value.isPaired, !isPair(text, name: nameStart..<nameEnd, value, key) { return }
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
        case .anyValue, .keyLike, .tokenLike, .mixed, .digits:
            let range = value.start..<value.end
            let inner = text[range]
            // Of a value that was cut too little may be left to look like one.
            let isCut = subject.mayBeCut && value.end == text.count && !value.isWeak && !Placeholder.matches(inner)
            guard key.accepts(inner, quoted: value.isQuoted) || isCut,
                value.isQuoted || !value.isWeak || SecretKey.isStrong(inner),
                value.isQuoted || inner != text[nameStart..<nameEnd]
            else { return }
            found.append(Finding(detector: .secret, range: range))
        }
    }

    /// Whether `('password', 'x')` holds a name and its value, and not two names: only these two stand in the brackets,
    /// and the second looks like a secret. Values of headers say themselves what they are.
    private static func isPair(_ text: ByteView, name: Range<Int>, _ value: Value, _ key: SecretKey) -> Bool {
        guard value.isQuoted else { return false }
        if key.isHeader { return true }
        // `b'name'` of Python has a letter in front.
        var before = name.lowerBound - 2
        if text.at(before) == UInt8(ascii: "b") { before -= 1 }
        let opens = text.at(before) == UInt8(ascii: "(") || text.at(before) == UInt8(ascii: "[")
        let closes = text.at(value.end + 1) == UInt8(ascii: ")") || text.at(value.end + 1) == UInt8(ascii: "]")
        return opens && closes && SecretKey.isStrong(text[value.start..<value.end])
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
        /// Behind a comma: `('name', 'value')`.
        var isPaired = false

        /// nil when no `=`, `:`, `=>` or `:=` follows the name, and it is no option (`--name value`), element
        /// (`<name>value</name>`) or pair either.
        init?(_ subject: Subject, name: Range<Int>, pastCommas: Bool = false) {
            let text = subject.text
            let nameEnd = name.upperBound
            var at = nameEnd
            var quotedName = false
            if text.at(at) == UInt8(ascii: ">"), text.at(name.lowerBound - 1) == UInt8(ascii: "<") {
                start = at + 1
                guard let closing = text.firstIndex(of: UInt8(ascii: "<"), from: start),
                    text.at(closing + 1) == UInt8(ascii: "/")
                else { return nil }
                end = closing
                (isQuoted, isWeak, isPlainAssignment) = (true, false, false)
                return
            }
            if text.at(at) == 0x20, text.hasWord("--", at: name.lowerBound), text.at(at + 1) != UInt8(ascii: "-") {
                start = at + 1
                let quote = text.at(start)
                isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
                end = isQuoted ? Delimiter.quotedEnd(subject, start) : Delimiter.unquotedEnd(subject, start)
                if isQuoted { start += 1 }
                (isWeak, isPlainAssignment) = (true, false)
                if start > end { return nil }
                return
            }
            if text.at(at) == UInt8(ascii: "\"") || text.at(at) == UInt8(ascii: "'") {
                quotedName = true
                at += 1
            }
            // `os.environ["PASSWORD"] = …`
            if quotedName, text.at(at) == UInt8(ascii: "]") { at += 1 }
            let blanksBefore = text.blanks(from: at)
            at += blanksBefore
            let sign = text.at(at)
            isPaired = quotedName && sign == UInt8(ascii: ",")
            guard sign == UInt8(ascii: "=") || sign == UInt8(ascii: ":") || isPaired else { return nil }
            at += 1
            if text.at(at) == UInt8(ascii: "=") || text.at(at) == UInt8(ascii: ">") { at += 1 }
            let blanksBehind = text.blanks(from: at)
            at += blanksBehind
            guard at < text.count else { return nil }
            // The first of a list.
            if text[at] == UInt8(ascii: "["), !text.hasWord("[redacted", at: at) { at += 1 }
            guard at < text.count else { return nil }
            if text[at] == UInt8(ascii: "b"), text.at(at + 1) == UInt8(ascii: "'") { at += 1 }  // Python's bytes
            if text[at] == UInt8(ascii: "\"") || text[at] == UInt8(ascii: "'") || text[at] == UInt8(ascii: "`") {
                end = Delimiter.quotedEnd(subject, at)
                start = at + 1
                isQuoted = true
            } else {
                // A quoted name with a bare value (a number in nested JSON) ends like any bare value.
                end = Delimiter.unquotedEnd(subject, at, pastCommas: pastCommas)
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
