import Bytes

extension Lexer {
    /// A number, and then as much more as makes it a duration or, failing that, a size.
    mutating func numeric(_ start: PlacedToken) throws(LogQLError) -> Token {
        let from = offset
        try number(start)
        if let nanoseconds = extend(from: from, with: Lexer.isDurationByte, parse: Durations.parse) {
            return .duration(nanoseconds)
        }
        if let size = extend(from: from, with: Lexer.isSizeByte, parse: Sizes.parse) { return .bytes(size) }
        return .number(String(decoding: text[from..<offset], as: UTF8.self))
    }

    /// `--strict`, `--keep-empty`, or a duration with its sign.
    mutating func flagOrNegativeDuration() -> Token? {
        let from = offset
        for flag in [Token.Flag.strict, .keepEmpty] {
            let end = from + flag.rawValue.utf8.count
            guard end <= text.count, text[from..<end].elementsEqual(flag.rawValue.utf8) else { continue }
            // `--strictly` is no flag.
            if end < text.count,
                text[end].isAlphanumeric || text[end] == UInt8(ascii: "_") || text[end] == UInt8(ascii: "-")
            {
                continue
            }
            for _ in from..<end { advance() }
            return .flag(flag)
        }
        let saved = self
        advance()
        if let nanoseconds = extend(from: from, with: Lexer.isDurationByte, parse: Durations.parse) {
            return .duration(nanoseconds)
        }
        self = saved
        return nil
    }

    /// Takes the run of fitting characters behind the token if there is one and `parse` understands the whole.
    private mutating func extend<Value>(
        from start: Int,
        with fits: (UInt8) -> Bool,
        parse: (ByteView) -> Value?
    ) -> Value? {
        var end = offset
        while end < text.count, fits(text[end]) { end += 1 }
        guard end > offset, let value = text.withView({ parse($0[start..<end]) }) else { return nil }
        while offset < end { advance() }
        return value
    }

    /// `µ` and `μ` are two bytes each: C2 B5, CE BC.
    private static func isDurationByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "n"), UInt8(ascii: "u"), UInt8(ascii: "m"), UInt8(ascii: "s"), UInt8(ascii: "h"),
            UInt8(ascii: "d"), UInt8(ascii: "w"), UInt8(ascii: "y"), UInt8(ascii: "."), 0xC2, 0xB5, 0xCE, 0xBC:
            true
        default: byte.isDigit
        }
    }

    private static func isSizeByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "B"), UInt8(ascii: "i"), UInt8(ascii: "k"), UInt8(ascii: "K"), UInt8(ascii: "M"),
            UInt8(ascii: "G"), UInt8(ascii: "T"), UInt8(ascii: "P"), UInt8(ascii: "."):
            true
        default: byte.isDigit
        }
    }

    /// A Go number token, without digit separators.
    private mutating func number(_ start: PlacedToken) throws(LogQLError) {
        var base = 10
        var isLegacyOctal = false
        if peek == UInt8(ascii: "0") {
            switch peek(1)?.lowercased {
            case UInt8(ascii: "x"): base = 16
            case UInt8(ascii: "o"): base = 8
            case UInt8(ascii: "b"): base = 2
            default: isLegacyOctal = true
            }
            if base != 10 {
                advance()
                advance()
            }
        }
        var digits = 0
        var invalid: UInt8?
        var isFloat = false
        func isDigit(_ byte: UInt8) -> Bool { base == 16 ? byte.isHexDigit : byte.isDigit }
        let limit = base < 10 ? UInt8(0x30 + base) : isLegacyOctal ? UInt8(ascii: "8") : 0xFF
        while let byte = peek, isDigit(byte) {
            if byte >= limit, invalid == nil, base != 16 { invalid = byte }
            digits += 1
            advance()
        }
        if peek == UInt8(ascii: "."), base == 10 || base == 16 {
            isFloat = true
            advance()
            while let byte = peek, isDigit(byte) {
                digits += 1
                advance()
            }
        }
        // Loki's own words, whatever the base (`0B` is a number without digits to it).
        guard digits > 0 else { throw error(start, "decimal literal has no digits") }
        if let letter = peek?.lowercased, letter == UInt8(ascii: base == 16 ? "p" : "e"), base == 10 || base == 16 {
            isFloat = true
            advance()
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { advance() }
            guard peek?.isDigit ?? false else { throw error(start, "exponent has no digits") }
            while let byte = peek, byte.isDigit { advance() }
        } else if base == 16, isFloat {
            throw error(start, "hexadecimal mantissa requires a 'p' exponent")
        }
        if let invalid, !isFloat {
            let kind = base == 2 ? "binary" : "octal"
            throw error(start, "invalid digit '\(Character(Unicode.Scalar(invalid)))' in \(kind) literal")
        }
    }

    /// `[5m]`, at the bracket.
    mutating func range(_ start: PlacedToken) throws(LogQLError) -> Token {
        advance()
        let from = offset
        while let byte = peek, byte != UInt8(ascii: "]") { advance() }
        guard peek != nil else { throw error(start, "missing closing ']' in duration") }
        let inside = [UInt8](text[from..<offset])
        advance()
        do {
            return .range(try inside.withView(Durations.parsePrometheus))
        } catch {
            throw self.error(start, error.reason)
        }
    }
}
