import Bytes

extension Lexer {
    /// `"…"` with Go's escapes. `\x` and octal escapes give bytes, so the value need not be UTF-8.
    mutating func quoted(_ start: PlacedToken) throws(LogQLError) -> ByteString {
        advance()
        var value: [UInt8] = []
        while true {
            guard let byte = peek, byte != UInt8(ascii: "\n") else { throw error(start, "literal not terminated") }
            if byte == UInt8(ascii: "\"") {
                advance()
                return ByteString(value)
            }
            if byte == UInt8(ascii: "\\") {
                advance()
                try escape(start, into: &value)
            } else if byte == 0 {
                throw error(start, "invalid character NUL")
            } else {
                let from = offset
                advance()
                value.append(contentsOf: text[from..<offset])
            }
        }
    }

    /// Behind the backslash.
    private mutating func escape(_ start: PlacedToken, into value: inout [UInt8]) throws(LogQLError) {
        guard let byte = peek else { throw error(start, "literal not terminated") }
        switch byte {
        case UInt8(ascii: "a"): value.append(0x07)
        case UInt8(ascii: "b"): value.append(0x08)
        case UInt8(ascii: "f"): value.append(0x0C)
        case UInt8(ascii: "n"): value.append(0x0A)
        case UInt8(ascii: "r"): value.append(0x0D)
        case UInt8(ascii: "t"): value.append(0x09)
        case UInt8(ascii: "v"): value.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): value.append(byte)
        case UInt8(ascii: "x"):
            advance()
            value.append(UInt8(truncatingIfNeeded: try digits(2, base: 16, start)))
            return
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            advance()
            let code = try digits(byte == UInt8(ascii: "u") ? 4 : 8, base: 16, start)
            guard let scalar = Unicode.Scalar(code) else { throw error(start, "invalid syntax") }
            value.append(contentsOf: String(scalar).utf8)
            return
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            let code = try digits(3, base: 8, start)
            guard code < 256 else { throw error(start, "invalid syntax") }
            value.append(UInt8(code))
            return
        default: throw error(start, "invalid char escape")
        }
        advance()
    }

    private mutating func digits(_ count: Int, base: UInt32, _ start: PlacedToken) throws(LogQLError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let byte = peek, byte.isHexDigit else { throw error(start, "invalid char escape") }
            let digit = UInt32(byte.isDigit ? byte - 0x30 : byte.lowercased - 0x61 + 10)
            guard digit < base else { throw error(start, "invalid char escape") }
            // At most eight hexadecimal digits: no overflow.
            value = value &* base &+ digit
            advance()
        }
        return value
    }

    /// Between backticks: everything is itself.
    mutating func raw(_ start: PlacedToken) throws(LogQLError) -> ByteString {
        advance()
        let from = offset
        while let byte = peek {
            if byte == UInt8(ascii: "`") {
                let value = ByteString([UInt8](text[from..<offset]))
                advance()
                return value
            }
            if byte == 0 { throw error(start, "invalid character NUL") }
            advance()
        }
        throw error(start, "literal not terminated")
    }

    /// `'x'`: Go's character literal, which no rule of the grammar takes, but which has messages of its own.
    mutating func character(_ start: PlacedToken) throws(LogQLError) -> ByteString {
        let from = offset
        var count = 0
        advance()
        while let byte = peek, byte != UInt8(ascii: "\n") {
            advance()
            if byte == UInt8(ascii: "'") {
                guard count == 1 else { throw error(start, "invalid char literal") }
                return ByteString([UInt8](text[from..<offset]))
            }
            if byte == UInt8(ascii: "\\") { advance() }
            count += 1
        }
        throw error(start, "literal not terminated")
    }
}
