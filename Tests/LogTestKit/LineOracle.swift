import Bytes
import LogModel

/// Lines that prove themselves: each says which it is and carries a checksum over itself.
///
/// A writer tells which lines were acknowledged; a reader's lines are then compared, and every kind of fault is counted
/// apart.
package struct LineOracle: Sendable {
    package struct Verdict: Equatable, Sendable, CustomStringConvertible {
        /// Acknowledged and not there.
        package var lost = 0
        /// There more than once.
        package var duplicate = 0
        /// There and never written.
        package var phantom = 0
        /// Not what was written.
        package var altered = 0
        /// Out of order within its source.
        package var reordered = 0

        package init() {}

        package var isClean: Bool { self == Verdict() }

        package var description: String {
            "lost \(lost), duplicate \(duplicate), phantom \(phantom), altered \(altered), reordered \(reordered)"
        }
    }

    /// Highest number handed over, and which were acknowledged, by source.
    package private(set) var handedOver: [Int: Int] = [:]
    package private(set) var acknowledged: [Int: Set<Int>] = [:]

    package init() {}

    /// The `number`-th line of a source; `length` is about its size in bytes.
    package static func line(source: Int, number: Int, length: Int) -> [UInt8] {
        var random = SeededRandom(UInt64(source) << 32 ^ UInt64(number))
        var text = "src=\(source) seq=\(number) "
        while text.utf8.count < length { text += String(random.next(), radix: 36) + " " }
        let body = Array(text.utf8)
        let crc = body.withView { CRC32C.of($0) }
        return Array("crc=\(crc) ".utf8) + body
    }

    package mutating func hand(_ source: Int, _ number: Int) {
        handedOver[source] = max(handedOver[source] ?? -1, number)
    }

    package mutating func acknowledge(_ source: Int, _ number: Int) { acknowledged[source, default: []].insert(number) }

    /// Which line it is; nil when it is not one as it was written.
    package static func parse(_ line: ByteView) -> (source: Int, number: Int)? {
        let text = line.string
        let parts = text.split(separator: " ", maxSplits: 3)
        guard parts.count >= 3, parts[0].hasPrefix("crc="), let crc = UInt32(parts[0].dropFirst(4)),
            parts[1].hasPrefix("src="), let source = Int(parts[1].dropFirst(4)),
            parts[2].hasPrefix("seq="), let number = Int(parts[2].dropFirst(4))
        else { return nil }
        let body = line.suffix(from: parts[0].utf8.count + 1)
        return CRC32C.of(body) == crc ? (source, number) : nil
    }

    /// Compares what a store gave back, in the order in which it gave it.
    package func judge(_ lines: [[UInt8]]) -> Verdict {
        var verdict = Verdict()
        var seen: [Int: Set<Int>] = [:]
        var last: [Int: Int] = [:]
        for line in lines {
            guard let (source, number) = line.withView({ Self.parse($0) }) else {
                verdict.altered += 1
                continue
            }
            if number > handedOver[source] ?? -1 { verdict.phantom += 1 }
            if !seen[source, default: []].insert(number).inserted { verdict.duplicate += 1 }
            if let before = last[source], before > number { verdict.reordered += 1 }
            last[source] = number
        }
        for (source, numbers) in acknowledged { verdict.lost += numbers.subtracting(seen[source] ?? []).count }
        return verdict
    }
}
