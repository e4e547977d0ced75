import Bytes

/// Passwords in URLs: `scheme://user:password@host` and query parameters that carry keys or signatures.
enum URLCredentialDetector {
    private static let userinfoMax = 512

    /// What was found at the `@` before, so that a run of them takes linear time.
    struct Memory {
        var at = -1
        var start: Int?
    }

    /// The password of the URL whose user part ends with the `@` at `at`.
    static func match(_ subject: Subject, at: Int, _ memory: inout Memory) -> Range<Int>? {
        let text = subject.text
        let found = userinfoStart(text, at, memory)
        memory = Memory(at: at, start: found)
        // A whole URL may be written in `%HH`; an `@` alone is part of a parameter.
        guard let start = found, subject.isPercentEscaped(at) == subject.isPercentEscaped(start - 1) else { return nil }
        // Ours has a colon in it.
        guard !text[start..<at].hasPrefix("[REDACTED") else { return nil }
        let colon = text[start..<at].firstIndex(of: UInt8(ascii: ":"))
        let user = start..<(colon.map { start + $0 } ?? at)
        // `https://<token>@host`, `https://<token>:x-oauth-basic@host`: no name of a user looks like this.
        if isToken(text[user]) { return start..<at }
        guard user.upperBound < at else { return nil }
        let password = user.upperBound + 1..<at
        guard !password.isEmpty, !Placeholder.matches(text[password]) else { return nil }
        return password
    }

    private static func isToken(_ user: ByteView) -> Bool {
        guard user.count >= 20, user.run(of: .base64URL, from: 0) == user.count else { return false }
        var digits = 0
        var letters = 0
        for i in user.indices {
            if user[i].isDigit { digits += 1 } else if user[i].isLetter { letters += 1 }
        }
        return digits >= 4 && letters >= 4
    }

    /// Whether the `@` at `at` ends the user part of a URL that has a password.
    private static func userinfoStart(_ text: ByteView, _ at: Int, _ memory: Memory) -> Int? {
        var i = at
        let low = max(0, at - userinfoMax)
        while i > low {
            if i - 1 == memory.at { return memory.start }
            let byte = text[i - 1]
            switch byte {
            case UInt8(ascii: "/"):
                guard i >= 4, text[i - 2] == byte, text[i - 3] == UInt8(ascii: ":"), text[i - 4].isAlphanumeric else {
                    return nil
                }
                return i
            case 0...0x20, UInt8(ascii: "\""), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "<"),
                UInt8(ascii: ">"):
                return nil
            default: i -= 1
            }
        }
        return nil
    }

    /// The value of the query parameter whose name and `=` end before `valueStart`; `nameStart` follows `?` or `&`.
    static func matchQuery(_ subject: Subject, nameStart: Int, valueStart: Int) -> Range<Int>? {
        let text = subject.text
        let before = text.at(nameStart - 1)
        guard before == UInt8(ascii: "?") || before == UInt8(ascii: "&") || before == UInt8(ascii: ";") else {
            return nil
        }
        let end = Delimiter.unquotedEnd(subject, valueStart)
        let value = valueStart..<end
        guard value.count >= 8, !Placeholder.matches(text[value]) else { return nil }
        // `?code=not_found_error` is a word; a credential has digits or is long.
        var digits = 0
        for i in value where text[i].isDigit { digits += 1 }
        return digits > 0 || value.count >= 24 ? value : nil
    }
}

/// Where values end.
enum Delimiter {
    /// The end of a value without quotes. Bytes written as `%HH` never end it. `pastCommas`: a comma between other bytes
    /// is part of the value, unless what follows it is another pair (`password=a,user=b`).
    static func unquotedEnd(_ subject: Subject, _ start: Int, pastCommas: Bool = false) -> Int {
        let text = subject.text
        var i = start
        while i < text.count {
            switch text[i] {
            case UInt8(ascii: ",") where pastCommas && i > start && isInside(text, comma: i): i += 1
            case 0...0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "&"), UInt8(ascii: ","),
                UInt8(ascii: ";"),
                UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "`"), UInt8(ascii: "|"):
                guard subject.isPercentEscaped(i) else { return i }
                i += 1
            default: i += 1
            }
        }
        return i
    }

    /// Whether letters and digits follow the comma, and behind them no sign of an assignment or a call.
    private static func isInside(_ text: ByteView, comma: Int) -> Bool {
        let length = text.run(of: [.alphanumeric, .dash, .underscore], from: comma + 1, limit: 64)
        let next = text.at(comma + 1 + length)
        return length > 0 && next != UInt8(ascii: "=") && next != UInt8(ascii: ":") && next != UInt8(ascii: "(")
    }

    /// The offset of the quote that closes the one at `start`: the same character, as many raw bytes wide. The end of
    /// the text when there is none, as in a line that was cut.
    static func quotedEnd(_ subject: Subject, _ start: Int) -> Int {
        let text = subject.text
        let quote = text[start]
        let width = subject.width(start)
        var from = start + 1
        while let at = text.firstIndex(of: quote, from: from) {
            if subject.width(at) == width { return at }
            from = at + 1
        }
        return text.count
    }
}
