import Bytes

/// Names of structured metadata as Loki keeps them: letters, digits and underscores.
package enum MetadataNames {
    /// Why a name cannot be kept. Loki fails the whole push for it.
    package struct Failure: Error, Equatable {
        package var message: String
    }

    /// Every character that is no ASCII letter or digit becomes `_`, runs of `_` become one, a digit in front gets
    /// `key_` before it. `__name__` keeps its double underscores.
    package static func normalize(_ name: ByteString) throws(Failure) -> ByteString {
        if isPlain(name) { return name }
        if name.isEmpty { throw Failure(message: "label name is empty") }
        let reserved = name.count > 4 && name.hasPrefix("__") && name.hasSuffix("__")
        let inner = reserved ? Array(name.bytes[2..<(name.count - 2)]) : name.bytes
        var out: [UInt8] = []
        out.reserveCapacity(inner.count + 4)
        for byte in inner {
            if byte.isAlphanumeric {
                out.append(byte)
            } else if byte & 0xC0 == 0x80 {
                // Continuation of a character that already became one underscore.
                continue
            } else if out.last != UInt8(ascii: "_") {
                out.append(UInt8(ascii: "_"))
            }
        }
        if let first = out.first, first.isDigit { out = Array("key_".utf8) + out }
        guard out.contains(where: { $0 != UInt8(ascii: "_") }) else {
            let result = ByteString(out).string
            throw Failure(
                message: "normalization for label name \(GoQuote.quote(name.string)) resulted in invalid name "
                    + GoQuote.quote(result))
        }
        if reserved { out = [0x5F, 0x5F] + out + [0x5F, 0x5F] }
        return ByteString(out)
    }

    /// Whether the name is what `normalize` would make of it.
    private static func isPlain(_ name: ByteString) -> Bool {
        guard let first = name.bytes.first, !first.isDigit else { return false }
        var before: UInt8 = 0
        var solid = false
        for byte in name.bytes {
            if byte == UInt8(ascii: "_") {
                if before == byte { return false }
            } else if byte.isAlphanumeric {
                solid = true
            } else {
                return false
            }
            before = byte
        }
        return solid
    }

    /// Values may not hold U+FFFD, which stands for bytes that were no text: a space takes its place.
    package static func normalize(value: ByteString) -> ByteString {
        let bytes = value.bytes
        guard bytes.contains(0xEF) else { return value }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var i = 0
        while i < bytes.count {
            if bytes[i] == 0xEF, i + 2 < bytes.count, bytes[i + 1] == 0xBF, bytes[i + 2] == 0xBD {
                out.append(0x20)
                i += 3
            } else {
                out.append(bytes[i])
                i += 1
            }
        }
        return ByteString(out)
    }
}
