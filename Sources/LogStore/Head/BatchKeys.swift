import Bytes
import LogModel

/// Which numbered batches of which clients are stored. Owned by the committer.
///
/// A client may have several batches under way, so the numbers are kept as ranges: normally one. More than `rangesMax`
/// holes mean a client that does not count; its lowest hole is then taken for stored.
struct BatchKeys: Sendable {
    struct Client: Hashable, Sendable {
        var name: ByteString
        var epoch: UInt64
    }

    struct Window: Sendable, Equatable {
        /// Ascending, not touching.
        var ranges: [ClosedRange<UInt64>] = []
        /// Wall clock, nanoseconds.
        var usedAt: Int64 = 0
    }

    static let rangesMax = 1024
    /// Names come from outside; beyond this the clients not heard of for longest are forgotten.
    static let clientsMax = 1 << 16
    private(set) var windows: [Client: Window] = [:]

    func contains(_ key: BatchKey) -> Bool {
        guard let ranges = windows[Client(name: key.client, epoch: key.epoch)]?.ranges else { return false }
        return ranges.last.map { key.sequence <= $0.upperBound } ?? false
            && ranges.contains { $0.contains(key.sequence) }
    }

    mutating func insert(_ key: BatchKey, now: Int64) {
        let client = Client(name: key.client, epoch: key.epoch)
        windows[client, default: Window()].insert(key.sequence...key.sequence, now: now)
        if windows.count > Self.clientsMax { forgetOldest() }
    }

    /// An eighth at once, so that the sort is rare.
    private mutating func forgetOldest() {
        let oldest = windows.map { (client: $0.key, usedAt: $0.value.usedAt) }.sorted { $0.usedAt < $1.usedAt }
        for one in oldest.prefix(windows.count / 8) { windows[one.client] = nil }
    }

    mutating func insert(_ client: Client, _ window: Window) {
        for range in window.ranges { windows[client, default: Window()].insert(range, now: window.usedAt) }
    }

    /// Forgets clients not heard of since `limit`.
    mutating func expire(before limit: Int64) {
        if windows.contains(where: { $0.value.usedAt < limit }) {
            windows = windows.filter { $0.value.usedAt >= limit }
        }
    }
}

extension BatchKeys.Window {
    mutating func insert(_ new: ClosedRange<UInt64>, now: Int64) {
        usedAt = max(usedAt, now)
        var low = new.lowerBound
        var high = new.upperBound
        var result: [ClosedRange<UInt64>] = []
        result.reserveCapacity(ranges.count + 1)
        var placed = false
        for range in ranges {
            let touchesBelow = range.upperBound == .max || range.upperBound + 1 >= low
            let touchesAbove = high == .max || high + 1 >= range.lowerBound
            if touchesBelow && touchesAbove {
                low = min(low, range.lowerBound)
                high = max(high, range.upperBound)
            } else {
                if !placed, range.lowerBound > high {
                    result.append(low...high)
                    placed = true
                }
                result.append(range)
            }
        }
        if !placed { result.append(low...high) }
        result.sort { $0.lowerBound < $1.lowerBound }
        if result.count > BatchKeys.rangesMax {
            let merged = result[0].lowerBound...result[1].upperBound
            result.replaceSubrange(0...1, with: [merged])
        }
        ranges = result
    }
}
