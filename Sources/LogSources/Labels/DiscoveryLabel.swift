import Bytes

/// Names of labels that discovery makes of foreign names.
enum DiscoveryLabel {
    /// `prefix` and `name`, everything but ASCII letters, digits and `_` made `_`, one for each character.
    static func name(_ prefix: String, _ name: ByteString) -> ByteString {
        var out = Array(prefix.utf8)
        for scalar in name.string.unicodeScalars {
            let byte = scalar.isASCII ? UInt8(scalar.value) : 0x5F
            out.append(byte.isAlphanumeric ? byte : 0x5F)
        }
        return ByteString(out)
    }
}
