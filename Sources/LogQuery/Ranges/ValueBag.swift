import Bytes

/// Values whose order does not matter, in little memory: whole numbers take four bytes, and once there are many of them
/// in a small span – durations in milliseconds, tokens – one count for each of that span.
struct ValueBag {
    private var whole: [Int32] = []
    private var others: [Double] = []
    /// `counts[i]` values are `base + i`.
    private var counts: [UInt32] = []
    private var base = 0
    private var counted = 0
    /// Loose whole numbers at which counting them is considered.
    private var patience = ValueBag.patienceMin

    private static let patienceMin = 16_384
    /// Counts of one bag: 4 MB.
    private static let spanMax = 1 << 20

    var count: Int { whole.count + others.count + counted }

    /// Bytes that it takes, about: arrays double, so a third of one is spare.
    var footprint: Int { whole.count * 6 + others.count * 12 + counts.count * 4 }

    init() {}

    @inline(__always)
    mutating func add(_ value: Double) {
        // A negative zero is no whole number: it is spelled differently.
        guard let number = Int32(exactly: value), number != 0 || value.sign == .plus else {
            others.append(value)
            return
        }
        let place = Int(number) - base
        if place >= 0, place < counts.count {
            counts[place] &+= 1
            counted += 1
        } else {
            whole.append(number)
            if whole.count >= patience { fold() }
        }
    }

    mutating func add(_ values: ArraySlice<Double>) {
        for value in values { add(value) }
    }

    /// Takes in what another bag holds.
    mutating func absorb(_ other: borrowing ValueBag) {
        others.append(contentsOf: other.others)
        if counts.isEmpty, !other.counts.isEmpty {
            (counts, base, counted, patience) = (other.counts, other.base, other.counted, other.patience)
        } else if !other.counts.isEmpty {
            widen(other.base..<other.base + other.counts.count)
            for (i, count) in other.counts.enumerated() where count > 0 { add(Int32(other.base + i), times: count) }
        }
        for number in other.whole { add(Double(number)) }
        if whole.count >= patience { fold() }
    }

    private mutating func add(_ number: Int32, times: UInt32) {
        let place = Int(number) - base
        if place >= 0, place < counts.count {
            counts[place] &+= times
            counted += Int(times)
        } else {
            whole.append(contentsOf: repeatElement(number, count: Int(times)))
        }
    }

    /// Makes the counts span a range too, if that is no more than one bag may have.
    private mutating func widen(_ range: Range<Int>) {
        let span = min(base, range.lowerBound)..<max(base + counts.count, range.upperBound)
        guard span != base..<base + counts.count, span.count <= Self.spanMax else { return }
        var wider = [UInt32](repeating: 0, count: span.count)
        wider.replaceSubrange(base - span.lowerBound..<base - span.lowerBound + counts.count, with: counts)
        (counts, base) = (wider, span.lowerBound)
    }

    /// Counts the loose whole numbers, if that saves memory.
    private mutating func fold() {
        guard let least = whole.min(), let most = whole.max() else { return }
        let range = Int(least)..<Int(most) + 1
        if counts.isEmpty {
            guard range.count <= min(2 * whole.count, Self.spanMax) else {
                patience *= 2
                return
            }
            counts = [UInt32](repeating: 0, count: range.count)
            base = range.lowerBound
        } else {
            let before = counts.count
            if max(base + before, range.upperBound) - min(base, range.lowerBound) <= 2 * (whole.count + counted) { widen(range) }
            if counts.count == before { patience *= 2 }
        }
        let loose = whole
        whole = []
        for number in loose { add(number, times: 1) }
    }

    /// As `Quantile.of`. O(values that are not counted + span of those that are).
    func quantile(_ q: Double) -> Double {
        guard count > 0 else { return .nan }
        if q < 0 { return -.infinity }
        if q > 1 { return .infinity }
        if q.isNaN { return .nan }
        if counted == 0 {
            var values = looseValues
            return Quantile.of(q, &values)
        }
        let rank = q * Double(count - 1)
        let lower = max(0, rank.rounded(.down))
        let upper = min(Double(count - 1), lower + 1)
        let weight = rank - rank.rounded(.down)
        let (below, next) = ranked(Int(lower))
        return below * (1 - weight) + (upper == lower ? below : next) * weight
    }

    /// The values at place `rank` and the one behind, from 0, of all in order.
    private func ranked(_ rank: Int) -> (Double, Double) {
        let loose = looseValues.sorted { $0 < $1 || ($0.isNaN && !$1.isNaN) }
        var at = 0
        var taken = 0
        var found: Double?
        /// Takes `count` values that are equal.
        func take(_ value: Double, _ count: Int) -> (Double, Double)? {
            defer { taken += count }
            if let found { return (found, value) }
            guard rank < taken + count else { return nil }
            if rank + 1 < taken + count { return (value, value) }
            found = value
            return nil
        }
        for (i, count) in counts.enumerated() where count > 0 {
            let value = Double(base + i)
            while at < loose.count, !(loose[at] > value) {
                if let pair = take(loose[at], 1) { return pair }
                at += 1
            }
            if let pair = take(value, Int(count)) { return pair }
        }
        while at < loose.count {
            if let pair = take(loose[at], 1) { return pair }
            at += 1
        }
        return (found ?? .nan, found ?? .nan)
    }

    private var looseValues: [Double] {
        var values = others
        values.reserveCapacity(others.count + whole.count)
        for number in whole { values.append(Double(number)) }
        return values
    }

    /// Every value, in no order.
    func append(to values: inout [Double]) {
        values.append(contentsOf: others)
        for number in whole { values.append(Double(number)) }
        for (i, count) in counts.enumerated() where count > 0 {
            values.append(contentsOf: repeatElement(Double(base + i), count: Int(count)))
        }
    }
}
