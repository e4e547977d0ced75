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
        guard !subject.isPercentEscaped(at), let start = found,
            let colon = text[start..<at].firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let password = start + colon + 1..<at
        guard !password.isEmpty, !Placeholder.matches(text[password]) else { return nil }
        return password
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
    /// The end of a value without quotes. Bytes written as `%HH` never end it.
    static func unquotedEnd(_ subject: Subject, _ start: Int) -> Int {
        let text = subject.text
        var i = start
        while i < text.count {
            switch text[i] {
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
