/// SHA-256 (FIPS 180-4), for pseudonyms and for telling values apart without keeping them. Not made to withstand an
/// attacker who measures time on this machine.
package struct SHA256: Sendable {
    package static let digestCount = 32
    static let blockCount = 64

    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19
    )
    /// The schedule of one block; its first 16 words gather what has come of the next one.
    private var words: InlineArray<64, UInt32> = InlineArray(repeating: 0)
    /// Bytes that have come.
    private var length: UInt64 = 0

    package init() {}

    package mutating func update(_ byte: UInt8) {
        let at = Int(length & 63)
        let word = at >> 2
        if at & 3 == 0 { words[word] = 0 }
        words[word] |= UInt32(byte) << UInt32(24 - 8 * (at & 3))
        length += 1
        if at == 63 { compress() }
    }

    package mutating func update(_ text: ByteView) {
        for i in text.indices { update(text[i]) }
    }

    /// The digest; the value is used up.
    package consuming func finish() -> [UInt8] {
        let bits = length &* 8
        update(0x80)
        while length & 63 != 56 { update(0) }
        for shift in stride(from: 56, through: 0, by: -8) { update(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
        var out: [UInt8] = []
        out.reserveCapacity(Self.digestCount)
        for word in [state.0, state.1, state.2, state.3, state.4, state.5, state.6, state.7] {
            for shift in stride(from: 24, through: 0, by: -8) { out.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
        }
        return out
    }

    private mutating func compress() {
        func rotated(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }
        for i in 16..<64 {
            let a = words[i - 15]
            let b = words[i - 2]
            let s0 = rotated(a, 7) ^ rotated(a, 18) ^ a >> 3
            let s1 = rotated(b, 17) ^ rotated(b, 19) ^ b >> 10
            words[i] = words[i - 16] &+ s0 &+ words[i - 7] &+ s1
        }
        var (a, b, c, d, e, f, g, h) = state
        for i in 0..<64 {
            let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
            let chosen = e & f ^ ~e & g
            let t1 = h &+ s1 &+ chosen &+ Self.constants[i] &+ words[i]
            let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
            let majority = a & b ^ a & c ^ b & c
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ s0 &+ majority)
        }
        state.0 &+= a
        state.1 &+= b
        state.2 &+= c
        state.3 &+= d
        state.4 &+= e
        state.5 &+= f
        state.6 &+= g
        state.7 &+= h
    }

    private static let constants: InlineArray<64, UInt32> = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]
}

/// HMAC-SHA-256 (RFC 2104) under one key. Copying it is cheap, so that the key is taken in once.
package struct HMACSHA256: Sendable {
    private var inner = SHA256()
    private var outer = SHA256()

    package init(key: ByteView) {
        let digest = key.count > SHA256.blockCount ? Self.digest(key) : []
        for i in 0..<SHA256.blockCount {
            let byte = digest.isEmpty ? (i < key.count ? key[i] : 0) : (i < digest.count ? digest[i] : 0)
            inner.update(byte ^ 0x36)
            outer.update(byte ^ 0x5C)
        }
    }

    private static func digest(_ text: ByteView) -> [UInt8] {
        var hash = SHA256()
        hash.update(text)
        return hash.finish()
    }

    package mutating func update(_ byte: UInt8) { inner.update(byte) }
    package mutating func update(_ text: ByteView) { inner.update(text) }

    /// The 32 bytes; the value is used up.
    package consuming func finish() -> [UInt8] {
        let inside = inner.finish()
        for byte in inside { outer.update(byte) }
        return outer.finish()
    }
}
