import CKernels

// Loops over bytes without a check at each one: the bounds are checked once, at the beginning.
extension ByteView {
    /// Offset of the first byte at or after `start` for which `matches` is true, `count` when there is none.
    @inlinable @inline(__always)
    package func scan(from start: Int, until matches: (UInt8) -> Bool) -> Int {
        precondition(start >= 0 && start <= count, "start outside the view")
        var i = start
        while i < count {
            if matches(unsafe base.load(fromByteOffset: i, as: UInt8.self)) { return i }
            i &+= 1
        }
        return count
    }

    /// Whether `matches` is true for every byte.
    @inlinable @inline(__always)
    package func allSatisfy(_ matches: (UInt8) -> Bool) -> Bool { scan(from: 0) { !matches($0) } == count }
}

extension ByteView {
    /// The first offset at or after `start` where the name of a level may begin, in any case: its first two letters
    /// stand there, behind the beginning or one of ` \t\n"'=([{|`. `count` when there is none. A few GB/s.
    package func levelStart(from start: Int) -> Int {
        precondition(start >= 0 && start <= count, "start outside the view")
        return unsafe tr_level_start(base.assumingMemoryBound(to: UInt8.self), count, start)
    }
}
