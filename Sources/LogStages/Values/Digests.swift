import Bytes

/// SHA-2 and SHA-3 with 256 bits (FIPS 180-4 and 202), for templates that hide a value and keep it comparable.
///
/// Short texts, some thousand a second at most: plain code that is easy to check.
enum Digests {
    /// Lower-case hexadecimal.
    static func hex(_ bytes: [UInt8]) -> ByteString {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return ByteString(out)
    }

    // MARK: SHA-256

    /// First 32 bits of the fractions of the square roots of 2, 3, 5 …
    private static let start: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]

    /// First 32 bits of the fractions of the cube roots of the first 64 primes.
    private static let rounds: [UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    /// O(n).
    static func sha256(_ text: [UInt8]) -> [UInt8] {
        var message = text + [0x80]
        while message.count % 64 != 56 { message.append(0) }
        let bits = UInt64(text.count) &* 8
        for shift in stride(from: 56, through: 0, by: -8) { message.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
        var state = start
        var words = [UInt32](repeating: 0, count: 64)
        func rotated(_ x: UInt32, _ by: UInt32) -> UInt32 { x >> by | x << (32 - by) }
        for block in stride(from: 0, to: message.count, by: 64) {
            for i in 0..<16 {
                words[i] = (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(message[block + 4 * i + $1]) }
            }
            // Sums are modulo 2³², as the standard says.
            for i in 16..<64 {
                let (a, b) = (words[i - 15], words[i - 2])
                let small = rotated(a, 7) ^ rotated(a, 18) ^ (a >> 3)
                let large = rotated(b, 17) ^ rotated(b, 19) ^ (b >> 10)
                words[i] = words[i - 16] &+ small &+ words[i - 7] &+ large
            }
            var s = state
            for i in 0..<64 {
                let sum1 = rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25)
                let choice = (s[4] & s[5]) ^ (~s[4] & s[6])
                let first = s[7] &+ sum1 &+ choice &+ rounds[i] &+ words[i]
                let sum0 = rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22)
                let majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2])
                s = [first &+ sum0 &+ majority, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
            }
            for i in 0..<8 { state[i] = state[i] &+ s[i] }
        }
        return state.flatMap { word in stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
    }

    // MARK: SHA3-256

    /// Bytes taken in between two permutations: 1600 bits less twice the digest's.
    private static let rate = 136

    /// O(n).
    static func sha3(_ text: [UInt8]) -> [UInt8] {
        var message = text + [0x06]
        while message.count % rate != 0 { message.append(0) }
        message[message.count - 1] |= 0x80
        var lanes = [UInt64](repeating: 0, count: 25)
        for block in stride(from: 0, to: message.count, by: rate) {
            for i in 0..<rate { lanes[i / 8] ^= UInt64(message[block + i]) << UInt64(8 * (i % 8)) }
            permute(&lanes)
        }
        return (0..<32).map { UInt8(truncatingIfNeeded: lanes[$0 / 8] >> UInt64(8 * ($0 % 8))) }
    }

    /// Keccak-f[1600]; lane (x, y) stands at x + 5y.
    private static func permute(_ a: inout [UInt64]) {
        // Round constants come from a shift register, rotations from the triangular numbers.
        var register: UInt8 = 1
        for _ in 0..<24 {
            var parity = [UInt64](repeating: 0, count: 5)
            for x in 0..<5 { parity[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] }
            for x in 0..<5 {
                let next = parity[(x + 1) % 5]
                let mix = parity[(x + 4) % 5] ^ (next << 1 | next >> 63)
                for y in 0..<5 { a[x + 5 * y] ^= mix }
            }
            var (x, y) = (1, 0)
            var current = a[1]
            for step in 0..<24 {
                (x, y) = (y, (2 * x + 3 * y) % 5)
                let by = UInt64((step + 1) * (step + 2) / 2 % 64)
                let rotated = by == 0 ? current : current << by | current >> (64 - by)
                (current, a[x + 5 * y]) = (a[x + 5 * y], rotated)
            }
            for y in 0..<5 {
                let row = Array(a[(5 * y)..<(5 * y + 5)])
                for x in 0..<5 { a[x + 5 * y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]) }
            }
            for bit in 0..<7 {
                if register & 1 == 1 { a[0] ^= 1 << UInt64((1 << bit) - 1) }
                register = register << 1 ^ (register >> 7) * 0x71
            }
        }
    }
}
