import LogModel

/// The rows of one or several blocks in the order of an answer.
///
/// Forward: by time, then by the labels of the stream, then by arrival. Backward: the exact reverse. A block's rows are
/// sorted by (stream, time, arrival), so each stream's rows in a block are one sorted run, and runs are merged by a heap.
/// Blocks that are exhausted are dropped.
struct RowMerger {
    /// Where a row stands among all others.
    struct Key {
        var time: Int64
        var stream: UInt32
        var order: UInt64
        var row: Int

        /// Whether `a` comes first. `labels` decides between streams of equal time; O(1) but for such ties.
        @inline(__always)
        static func precedes(_ a: Key, _ b: Key, _ backward: Bool, _ streams: StreamRanks) -> Bool {
            if a.time != b.time { return (a.time < b.time) != backward }
            if a.stream != b.stream { return streams.precedes(a.stream, b.stream) != backward }
            if a.order != b.order { return (a.order < b.order) != backward }
            return a.row != b.row && (a.row < b.row) != backward
        }
    }

    private struct Run {
        var block: Int
        var row: Int
        /// The last row of the run, in the direction of reading.
        var last: Int
        var key: Key
    }

    let backward: Bool
    private(set) var streams = StreamRanks()
    private var blocks: [ColumnBlock?] = []
    private var runsLeft: [Int] = []
    private var heap: [Run] = []

    init(backward: Bool) { self.backward = backward }

    var isEmpty: Bool { heap.isEmpty }

    /// The key of the next row.
    var head: Key? { heap.first?.key }

    /// Adds the wanted rows of a block. O(rows) to find the runs.
    mutating func add(_ block: ColumnBlock) {
        let count = block.count
        guard count > 0 else { return }
        let index = blocks.count
        blocks.append(block)
        runsLeft.append(0)
        for stream in block.streams { streams.learn(stream) }
        var start = 0
        while start < count {
            let stream = block.streamOf[start]
            var end = start + 1
            while end < count, block.streamOf[end] == stream { end += 1 }
            var run = Run(
                block: index,
                row: backward ? end : start - 1,
                last: backward ? start : end - 1,
                key: Key(time: 0, stream: block.streams[Int(stream)].id, order: block.order, row: 0)
            )
            if advance(&run, block) {
                runsLeft[index] += 1
                heap.append(run)
                siftUp(heap.count - 1)
            }
            start = end
        }
        if runsLeft[index] == 0 { blocks[index] = nil }
    }

    /// The block and row that come next, taken out.
    mutating func next() -> (block: ColumnBlock, row: Int, key: Key)? {
        guard var run = heap.first, let block = blocks[run.block] else { return nil }
        let result = (block, run.row, run.key)
        if advance(&run, block) {
            heap[0] = run
        } else {
            runsLeft[run.block] -= 1
            if runsLeft[run.block] == 0 { blocks[run.block] = nil }
            let tail = heap.removeLast()
            if !heap.isEmpty { heap[0] = tail }
        }
        siftDown(0)
        return result
    }

    /// Forgets all rows.
    mutating func removeAll() {
        heap.removeAll(keepingCapacity: true)
        blocks.removeAll(keepingCapacity: true)
        runsLeft.removeAll(keepingCapacity: true)
    }

    /// To the next row of the run that may be wanted; false at its end.
    private func advance(_ run: inout Run, _ block: ColumnBlock) -> Bool {
        var row = run.row
        while row != run.last {
            row += backward ? -1 : 1
            if block.selected[row] || block.undecided[row] {
                run.row = row
                run.key.row = row
                run.key.time = block.timestamps[row]
                return true
            }
        }
        run.row = row
        return false
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard Key.precedes(heap[child].key, heap[parent].key, backward, streams) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var best = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Key.precedes(heap[child].key, heap[best].key, backward, streams) { best = child }
            }
            if best == parent { return }
            heap.swapAt(best, parent)
            parent = best
        }
    }
}

/// Compares streams by their labels, for rows of equal time.
struct StreamRanks {
    private var labels: [UInt32: Labels] = [:]

    mutating func learn(_ stream: StreamRef) {
        if labels[stream.id] == nil { labels[stream.id] = stream.labels }
    }

    func precedes(_ a: UInt32, _ b: UInt32) -> Bool {
        guard let x = labels[a], let y = labels[b], x != y else { return a < b }
        return x < y
    }
}
