import Bytes
import Testing

@Suite struct ByteArenaTests {
    @Test func growsAndKeepsContents() {
        let arena = ByteArena(capacity: 1)
        for i in 0..<10_000 { arena.append(UInt8(truncatingIfNeeded: i)) }
        #expect(arena.count == 10_000)
        #expect((0..<10_000).allSatisfy { arena.view[$0] == UInt8(truncatingIfNeeded: $0) })
        arena.truncate(to: 3)
        #expect(arena.view.copy() == [0, 1, 2])
    }

    @Test(arguments: [0, 1, -1, 9, 10, -10, 1_234_567_890_123, .max, .min] as [Int64])
    func writesDecimals(value: Int64) {
        let arena = ByteArena()
        arena.append(decimal: value)
        #expect(arena.view.string == "\(value)")
    }

    @Test(arguments: [0, 1, 127, 128, 300, 1 << 32, .max] as [UInt64])
    func varintsComeBack(value: UInt64) throws {
        let arena = ByteArena()
        arena.append(varint: value)
        arena.append(signedVarint: Int64(bitPattern: value))
        var reader = ByteReader(arena.view)
        #expect(try reader.varint() == value)
        #expect(try reader.signedVarint() == Int64(bitPattern: value))
        #expect(reader.isAtEnd)
    }

    @Test func takenBytesOutliveTheArena() {
        let arena = ByteArena()
        arena.append("kept")
        let owned = arena.take()
        arena.append("other")
        #expect(owned.view.string == "kept")
        #expect(arena.view.string == "other")
    }

    @Test func lyingLengthsAreErrors() {
        let arena = ByteArena()
        arena.append(varint: 1_000_000)
        arena.append("few")
        var reader = ByteReader(arena.view)
        #expect(throws: DecodeError.self) { try reader.prefixed() }
        let endless = [UInt8](repeating: 0xFF, count: 11)
        endless.withView { view in
            var reader = ByteReader(view)
            #expect(throws: DecodeError.self) { try reader.varint() }
        }
    }
}

@Suite struct OwnedBytesTests {
    /// A view of a temporary was copied after the temporary had gone: the contents were whatever came to lie there.
    @Test func bytesOfAnArrayAreCopiedWhileItLives() {
        for count in [0, 1, 100, 10_000] {
            let owned = (0..<64).map { OwnedBytes([UInt8](repeating: UInt8($0), count: count)) }
            for (i, bytes) in owned.enumerated() {
                #expect(bytes.count == count)
                #expect(bytes.view.copy().allSatisfy { $0 == UInt8(i) })
            }
        }
    }
}
