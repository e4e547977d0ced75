import Bytes

/// One line of a container runtime's log: `<time> <stdout|stderr> <flags> <content>`.
package struct CRILine: Sendable {
    package var time: Range<Int>
    package var stream: Range<Int>
    package var content: Range<Int>
    /// Whether the rest of the line follows in the next entry.
    package var isPartial: Bool

    /// Nil when the line is of another form. O(length of the head).
    package init?(_ line: ByteView) {
        guard let first = line.firstIndex(of: 0x20), first > 0,
            let second = line.firstIndex(of: 0x20, from: first + 1)
        else { return nil }
        let stream = line[(first + 1)..<second]
        guard stream == ByteView("stdout") || stream == ByteView("stderr") else { return nil }
        let flagsStart = second + 1
        guard flagsStart < line.count, let third = line.firstIndex(of: 0x20, from: flagsStart), third > flagsStart else {
            return nil
        }
        time = 0..<first
        self.stream = (first + 1)..<second
        content = (third + 1)..<line.count
        isPartial = third - flagsStart == 1 && line[flagsStart] == UInt8(ascii: "P")
    }
}
