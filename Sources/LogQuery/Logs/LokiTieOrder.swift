import LogModel

/// How Loki's front end leaves entries of equal time within a stream, for `query.loki_quirks`.
///
/// It sorts each stream of an answer twice, with Go's unstable sort and a comparison that calls equal times ordered
/// ("not after" rather than "before"). Up to 12 entries that sort inserts, so the first pass reverses equal times and
/// the second puts them back. Longer streams are partitioned, and some groups of equal times come out shuffled: always
/// the same way for the same number of entries. Without quirks entries stay in the order in which they arrived, which
/// is what pages of an answer are cut by.
enum LokiTieOrder {
    static func apply(to entries: inout [ResultEntry], backward: Bool) {
        guard entries.count > PatternDefeatingSort.insertionMax, hasTies(entries) else { return }
        // Places are sorted instead of entries: these are large.
        let times = entries.map(\.timestamp)
        var sort = PatternDefeatingSort(count: times.count) { a, b in
            backward ? times[a] >= times[b] : times[a] <= times[b]
        }
        sort.run()
        sort.run()
        entries = sort.places.map { entries[$0] }
    }

    private static func hasTies(_ entries: [ResultEntry]) -> Bool {
        for i in entries.indices.dropFirst() where entries[i].timestamp == entries[i - 1].timestamp { return true }
        return false
    }
}

/// Pattern-defeating quicksort (Orson Peters, 2021) with the constants of Go's `sort` package, so that what is unstable
/// about it is unstable in the same way. Takes any comparison, also one that is no strict order.
struct PatternDefeatingSort {
    /// Up to here elements are inserted.
    static let insertionMax = 12
    /// From here the pivot is a median of medians, and nearly sorted input is repaired.
    private static let largeMin = 50

    private(set) var places: [Int]
    private let precedes: (Int, Int) -> Bool

    init(count: Int, precedes: @escaping (Int, Int) -> Bool) {
        places = Array(0..<count)
        self.precedes = precedes
    }

    mutating func run() {
        sort(0, places.count, badAllowed: Int.bitWidth - places.count.leadingZeroBitCount)
    }

    private enum Hint { case unknown, ascending, descending }

    private func isLess(_ i: Int, _ j: Int) -> Bool { precedes(places[i], places[j]) }

    private mutating func sort(_ low: Int, _ high: Int, badAllowed: Int) {
        var low = low
        var high = high
        var badAllowed = badAllowed
        var wasBalanced = true
        var wasPartitioned = true
        while true {
            let count = high - low
            if count <= Self.insertionMax { return insert(low, high) }
            if badAllowed == 0 { return heapSort(low, high) }
            if !wasBalanced {
                scatter(low, high)
                badAllowed -= 1
            }
            var (pivot, hint) = choosePivot(low, high)
            if hint == .descending {
                places[low..<high].reverse()
                pivot = high - 1 - (pivot - low)
                hint = .ascending
            }
            if wasBalanced, wasPartitioned, hint == .ascending, repair(low, high) { return }
            if low > 0, !isLess(low - 1, pivot) {
                low = partitionEqual(low, high, pivot)
                continue
            }
            let (middle, isPartitioned) = partition(low, high, pivot)
            wasPartitioned = isPartitioned
            let left = middle - low
            let right = high - middle
            wasBalanced = min(left, right) >= count / 8
            if left < right {
                sort(low, middle, badAllowed: badAllowed)
                low = middle + 1
            } else {
                sort(middle + 1, high, badAllowed: badAllowed)
                high = middle
            }
        }
    }

    private mutating func insert(_ low: Int, _ high: Int) {
        guard high > low else { return }
        for i in (low + 1)..<max(high, low + 1) {
            var j = i
            while j > low, isLess(j, j - 1) {
                places.swapAt(j, j - 1)
                j -= 1
            }
        }
    }

    private mutating func heapSort(_ low: Int, _ high: Int) {
        let count = high - low
        for root in stride(from: (count - 1) / 2, through: 0, by: -1) { siftDown(root, count, low) }
        for end in stride(from: count - 1, through: 0, by: -1) {
            places.swapAt(low, low + end)
            siftDown(0, end, low)
        }
    }

    private mutating func siftDown(_ start: Int, _ count: Int, _ first: Int) {
        var root = start
        while true {
            var child = 2 * root + 1
            if child >= count { return }
            if child + 1 < count, isLess(first + child, first + child + 1) { child += 1 }
            if !isLess(first + root, first + child) { return }
            places.swapAt(first + root, first + child)
            root = child
        }
    }

    private func choosePivot(_ low: Int, _ high: Int) -> (Int, Hint) {
        let count = high - low
        var swaps = 0
        func median(_ a: Int, _ b: Int, _ c: Int) -> Int {
            var (a, b, c) = (a, b, c)
            func order(_ x: inout Int, _ y: inout Int) {
                guard isLess(y, x) else { return }
                swaps += 1
                swap(&x, &y)
            }
            order(&a, &b)
            order(&b, &c)
            order(&a, &b)
            return b
        }
        var i = low + count / 4
        var j = low + count / 4 * 2
        var k = low + count / 4 * 3
        if count >= Self.largeMin {
            i = median(i - 1, i, i + 1)
            j = median(j - 1, j, j + 1)
            k = median(k - 1, k, k + 1)
        }
        j = median(i, j, k)
        // Four medians of three swaps each.
        return (j, swaps == 0 ? .ascending : swaps == 12 ? .descending : .unknown)
    }

    /// Puts a nearly sorted stretch right by a few moves; false when that was not enough.
    private mutating func repair(_ low: Int, _ high: Int) -> Bool {
        var i = low + 1
        for _ in 0..<5 {
            while i < high, !isLess(i, i - 1) { i += 1 }
            if i == high { return true }
            if high - low < Self.largeMin { return false }
            places.swapAt(i, i - 1)
            if i - low >= 2 {
                var j = i - 1
                while j >= 1, isLess(j, j - 1) {
                    places.swapAt(j, j - 1)
                    j -= 1
                }
            }
            if high - i >= 2 {
                var j = i + 1
                while j < high, isLess(j, j - 1) {
                    places.swapAt(j, j - 1)
                    j += 1
                }
            }
        }
        return false
    }

    /// Moves three elements around the middle to places that a generator seeded with the count says (Marsaglia's
    /// xorshift), against input made to be slow.
    private mutating func scatter(_ low: Int, _ high: Int) {
        let count = high - low
        guard count >= 8 else { return }
        var random = UInt64(count)
        let mask = (1 << (Int.bitWidth - count.leadingZeroBitCount)) - 1
        let middle = low + count / 4 * 2 - 1
        for i in 0..<3 {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            var other = Int(truncatingIfNeeded: random) & mask
            if other >= count { other -= count }
            places.swapAt(middle - 1 + i, low + other)
        }
    }

    private mutating func partition(_ low: Int, _ high: Int, _ pivot: Int) -> (middle: Int, isPartitioned: Bool) {
        places.swapAt(low, pivot)
        var i = low + 1
        var j = high - 1
        func skip(_ sort: borrowing Self) {
            while i <= j, sort.isLess(i, low) { i += 1 }
            while i <= j, !sort.isLess(j, low) { j -= 1 }
        }
        skip(self)
        let isPartitioned = i > j
        while i <= j {
            places.swapAt(i, j)
            i += 1
            j -= 1
            skip(self)
        }
        places.swapAt(j, low)
        return (j, isPartitioned)
    }

    /// Elements equal to the pivot to the front; returns where the others begin.
    private mutating func partitionEqual(_ low: Int, _ high: Int, _ pivot: Int) -> Int {
        places.swapAt(low, pivot)
        var i = low + 1
        var j = high - 1
        while true {
            while i <= j, !isLess(low, i) { i += 1 }
            while i <= j, isLess(low, j) { j -= 1 }
            if i > j { return i }
            places.swapAt(i, j)
            i += 1
            j -= 1
        }
    }
}
