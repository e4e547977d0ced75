/// RFC 4648, for the Authorization header.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = 0
            for (i, byte) in group.enumerated() { word |= Int(byte) << (16 - 8 * i) }
            for i in 0..<4 { out.append(i <= group.count ? alphabet[word >> (18 - 6 * i) & 63] : 0x3D) }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
