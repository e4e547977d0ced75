import Bytes

/// Upper, lower and title case as Go maps it: character by character, so that `ß` stays.
enum GoCase {
    static func upper(_ text: ByteString) -> ByteString {
        map(text, { $0 &- 0x61 < 26 ? $0 & 0xDF : $0 }, { $0.properties.uppercaseMapping })
    }

    static func lower(_ text: ByteString) -> ByteString {
        map(text, { $0.lowercased }, { $0.value == 0x130 ? "i" : $0.properties.lowercaseMapping })
    }

    /// The first letter of each word in title case, as `strings.Title`.
    static func title(_ text: ByteString) -> ByteString {
        var out: [UInt8] = []
        var isStart = true
        out.reserveCapacity(text.count)
        if text.bytes.allSatisfy({ $0 < 0x80 }) {
            for byte in text.bytes {
                out.append(isStart && byte &- 0x61 < 26 ? byte & 0xDF : byte)
                isStart = !(byte.isAlphanumeric || byte == 0x5F)
            }
            return ByteString(out)
        }
        for scalar in text.string.unicodeScalars {
            out += (isStart ? single(scalar, scalar.properties.titlecaseMapping) : String(scalar)).utf8
            isStart = isSeparator(scalar)
        }
        return ByteString(out)
    }

    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return !(UInt8(scalar.value).isAlphanumeric || scalar == "_") }
        if scalar.properties.isAlphabetic || scalar.properties.numericType == .decimal { return false }
        return scalar.properties.isWhitespace
    }

    private static func map(
        _ text: ByteString,
        _ ascii: (UInt8) -> UInt8,
        _ mapping: (Unicode.Scalar) -> String
    ) -> ByteString {
        if text.bytes.allSatisfy({ $0 < 0x80 }) { return ByteString(text.bytes.map(ascii)) }
        var out: [UInt8] = []
        for scalar in text.string.unicodeScalars { out += single(scalar, mapping(scalar)).utf8 }
        return ByteString(out)
    }

    private static func single(_ scalar: Unicode.Scalar, _ mapped: String) -> String {
        mapped.unicodeScalars.count == 1 ? mapped : String(scalar)
    }
}
