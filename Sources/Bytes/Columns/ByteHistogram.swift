/// How often each byte occurs. O(bytes + 256).
package struct ByteHistogram: Sendable {
    private var counts: [UInt32]

    /// Four tables, since one would wait for its own last store wherever a byte repeats.
    package init(_ bytes: ByteView) {
        var tables = [UInt32](repeating: 0, count: 1024)
        tables.withUnsafeMutableBufferPointer { tables in
            bytes.withUnsafeBytes { bytes in
                var i = 0
                // Indices are below 1024: a byte and the number of its table.
                while i + 4 <= bytes.count {
                    unsafe tables[Int(bytes[i])] &+= 1
                    unsafe tables[256 + Int(bytes[i + 1])] &+= 1
                    unsafe tables[512 + Int(bytes[i + 2])] &+= 1
                    unsafe tables[768 + Int(bytes[i + 3])] &+= 1
                    i += 4
                }
                while i < bytes.count {
                    unsafe tables[Int(bytes[i])] &+= 1
                    i += 1
                }
            }
        }
        for byte in 0..<256 {
            let odd: UInt32 = tables[256 + byte] &+ tables[768 + byte]
            tables[byte] &+= tables[512 + byte] &+ odd
        }
        counts = tables
    }

    package subscript(byte: Int) -> UInt32 { counts[byte] }
}
