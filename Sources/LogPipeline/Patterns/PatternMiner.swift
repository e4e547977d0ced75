import Bytes
import LogModel
import Metrics
import Synchronization

/// One answer of `patterns`.
package struct MinedPattern: Sendable, Equatable {
    package var pattern: ByteString
    package var level: ByteString
    /// Starts of steps, unix seconds, and lines in them; ascending.
    package var samples: [(time: Int64, count: Int)]

    package static func == (a: MinedPattern, b: MinedPattern) -> Bool {
        a.pattern == b.pattern && a.level == b.level && a.samples.elementsEqual(b.samples) { $0 == $1 }
    }
}

/// What lines look like: patterns with gaps, counted by stream, level and time, for the last three hours of the clock.
///
/// Sees lines after redaction, as they are stored (I6). Bounded in work and in memory: `linesPerSecond` lines are looked
/// at, in a busier second a random choice of them, each standing for as many as it was drawn from; and no more than
/// `clustersMax` patterns are kept, those of the stream that was met longest ago making room. Nothing is kept across
/// restarts.
package final class PatternMiner: Sendable {
    private struct Stream {
        var levels: [ByteString: PatternTree] = [:]
        var clusters = 0
        /// Count of batches when it was met last.
        var met: UInt64 = 0
    }

    private struct Key: Hashable {
        var tenant: Tenant
        var labels: Labels
    }

    /// A line that is looked at, and how many it stands for.
    private struct Pick {
        var row: Int
        var stream: UInt32
        var lines: Int
    }

    private struct State {
        var streams: [Key: Stream] = [:]
        var clusters = 0
        var batches: UInt64 = 0
        /// Lines that may still be looked at, refilled by the clock.
        var allowance = 0.0
        var refilled: Int64 = .min
        var random: UInt64 = 0x9E37_79B9_7F4A_7C15
        var tokens = PatternTokens()
    }

    /// Nanoseconds. Lines of other times are not mined: an import of last year says nothing of what goes on.
    package static let retention: Int64 = 3 * 3_600_000_000_000
    private static let future: Int64 = 600_000_000_000
    private static let levelsMax = 12
    private static let streamsMax = 2_000
    /// Patterns of all streams together, some 2 KB each.
    private static let clustersMax = 4_096
    /// Patterns of one answer: what Drilldown shows.
    package static let answerMax = 500
    /// Chosen: at a microsecond or two a line this is 3 % of a processor at most.
    private let linesPerSecond: Double
    private let clock: @Sendable () -> Timestamp
    private let state = Mutex(State())
    private let seen: Counter

    package init(
        registry: Registry = Registry(), linesPerSecond: Double = 20_000,
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }
    ) {
        self.linesPerSecond = linesPerSecond
        self.clock = clock
        seen = registry.counter("tailrace_patterns_lines_total", "Lines that were looked at to find patterns.")
        registry.gauge("tailrace_patterns", "Patterns known.") { [weak self] in Double(self?.count ?? 0) }
    }

    /// Patterns of all streams.
    package var count: Int { state.withLock { $0.clusters } }

    // MARK: Lines

    /// Looks at the lines of a batch that was stored. Takes the lock for the whole of it: call it from one thread that
    /// has time.
    package func observe(_ batch: WriteBatch) {
        let now = clock()
        let from = now.advanced(by: -Self.retention).nanoseconds
        let to = now.advanced(by: Self.future).nanoseconds
        guard batch.rows.contains(where: { $0.timestamp >= from && $0.timestamp <= to }) else { return }
        let unknown: ByteString = "unknown"
        let levels = batch.metadata.map { $0["detected_level"] ?? unknown }
        let looked = state.withLock { state in
            state.batches += 1
            let stride = Self.stride(&state, lines: batch.rows.count, linesPerSecond, now.nanoseconds)
            var picks: [Pick] = []
            picks.reserveCapacity(batch.rows.count / stride + 1)
            var start = 0
            while start < batch.rows.count {
                let end = min(start + stride, batch.rows.count)
                let row = start + Self.pick(&state.random, end - start)
                if batch.rows[row].timestamp >= from, batch.rows[row].timestamp <= to {
                    picks.append(Pick(row: row, stream: batch.rows[row].stream, lines: end - start))
                }
                start = end
            }
            // By stream, so that each is looked up once.
            picks.sort { ($0.stream, $0.row) < ($1.stream, $1.row) }
            start = 0
            while start < picks.count {
                let stream = picks[start].stream
                let end = picks[start...].firstIndex { $0.stream != stream } ?? picks.count
                Self.add(picks[start..<end], of: batch, levels, &state)
                start = end
            }
            return picks.count
        }
        seen.add(looked)
    }

    /// How many lines one stands for. A burst may spend a second's allowance at once; even a large batch is looked at
    /// here and there.
    private static func stride(_ state: inout State, lines: Int, _ rate: Double, _ now: Int64) -> Int {
        if state.refilled == .min { state.allowance = rate } else if now > state.refilled {
            state.allowance = min(rate, state.allowance + Double(now - state.refilled) / 1e9 * rate)
        }
        state.refilled = max(state.refilled, now)
        let share = max(state.allowance, Double(lines) / 256, 1)
        let stride = max(Int((Double(lines) / share).rounded(.up)), 1)
        state.allowance = max(0, state.allowance - Double(lines / stride))
        return stride
    }

    /// A number below `count`, not a regular one: lines of several streams often come in turns.
    private static func pick(_ random: inout UInt64, _ count: Int) -> Int {
        guard count > 1 else { return 0 }
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(count))
    }

    /// Adds lines of one stream.
    private static func add(_ picks: ArraySlice<Pick>, of batch: WriteBatch, _ levels: [ByteString], _ state: inout State) {
        guard let first = picks.first else { return }
        let key = Key(tenant: batch.tenant, labels: batch.streams[Int(first.stream)])
        // Taken out, so that they are changed in place: the stream, and of it the tree of the level at hand.
        var stream = state.streams.removeValue(forKey: key) ?? Stream()
        var level = ByteString()
        var tree = PatternTree()
        for pick in picks {
            let row = batch.rows[pick.row]
            var wanted = levels[Int(row.metadata)]
            if wanted != level {
                if !tree.clusters.isEmpty { stream.levels[level] = tree }
                if stream.levels[wanted] == nil, stream.levels.count >= levelsMax { wanted = "unknown" }
                tree = stream.levels.removeValue(forKey: wanted) ?? PatternTree()
                level = wanted
            }
            let before = tree.clusters.count
            batch.withLine(row) { line in
                state.tokens.cut(line)
                if !state.tokens.tokens.isEmpty { tree.add(state.tokens, lines: pick.lines, at: row.timestamp) }
            }
            stream.clusters += tree.clusters.count - before
            state.clusters += tree.clusters.count - before
        }
        if !tree.clusters.isEmpty { stream.levels[level] = tree }
        stream.met = state.batches
        state.streams[key] = stream
        if state.clusters > clustersMax || state.streams.count > streamsMax { forgetOldest(&state, keeping: key) }
    }

    /// Streams go, the longest unmet first, until there is room for a while.
    private static func forgetOldest(_ state: inout State, keeping key: Key) {
        for (old, stream) in state.streams.sorted(by: { $0.value.met < $1.value.met }) {
            guard state.clusters > clustersMax * 3 / 4 || state.streams.count > streamsMax * 3 / 4 else { return }
            if old == key { continue }
            state.clusters -= stream.clusters
            state.streams[old] = nil
        }
    }

    // MARK: Answers

    /// Patterns of the streams that match, those with most lines first. Times are nanoseconds, both ends included;
    /// `step` at least ten seconds.
    package func patterns(tenant: Tenant, matchers: [LabelMatcher], from: Int64, through: Int64, step: Int64) -> [MinedPattern] {
        struct Name: Hashable {
            var pattern: ByteString
            var level: ByteString
        }
        let step = max(step, PatternSamples.slotSpan)
        let oldest = max(from, clock().advanced(by: -Self.retention).nanoseconds)
        var found: [Name: [Int64: Int]] = [:]
        state.withLock { state in
            for (key, stream) in state.streams where key.tenant == tenant && matchers.matches(key.labels) {
                for (level, tree) in stream.levels {
                    for cluster in tree.clusters where cluster.last >= oldest - PatternSamples.slotSpan {
                        let name = Name(pattern: cluster.pattern, level: level)
                        cluster.forEachSample { time, count in
                            // A slot counts where its start lies in the range, to the slot that the range begins in.
                            guard time > oldest - PatternSamples.slotSpan, time <= through else { return }
                            found[name, default: [:]][time - time % step, default: 0] += count
                        }
                    }
                }
            }
        }
        var answer: [(total: Int, pattern: MinedPattern)] = []
        for (name, counts) in found {
            var samples: [(time: Int64, count: Int)] = []
            var total = 0
            for (time, count) in counts.sorted(by: { $0.key < $1.key }) {
                samples.append((time / 1_000_000_000, count))
                total += count
            }
            answer.append((total, MinedPattern(pattern: name.pattern, level: name.level, samples: samples)))
        }
        answer.sort { a, b in a.total == b.total ? a.pattern.pattern < b.pattern.pattern : a.total > b.total }
        return answer.prefix(Self.answerMax).map(\.pattern)
    }
}
