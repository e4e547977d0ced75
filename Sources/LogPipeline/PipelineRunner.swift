import Bytes
import LogModel
import LogStages
import Metrics
import Redaction
import Synchronization

/// Runs a pipeline over batches of lines, on one thread at a time.
///
/// Lines of one source must come in order and through one runner, because stages such as `multiline` hold lines back.
/// What is held back is not committed: the advance of the batch then ends before the first waiting line, and the next
/// one begins there, so that a crash loses none of them. Its detail stays that of the last line read: what it says of bytes or
/// lines it says with their place (`FileMark`, `ArchiveMark`). (Sources without byte offsets, such as the journal, cannot be
/// read again from the middle of a batch; their waiting lines are let go at its end.)
package final class PipelineRunner {
    let pipeline: Pipeline
    let sets: LabelSets
    private let clock: @Sendable () -> Timestamp

    // What stages remember, by their memory number.
    // Unchecked, as what else is touched for each line: a runner has one user at a time, and calls nobody who knows it.
    @exclusivity(unchecked) private var moves: [LabelMove]
    private var answers: [LabelAnswers]
    private var metrics: [MetricMemory]
    private let cleaner: LabelCleaner
    /// Last known time of each label set, for `fudge`.
    private var lastTimes: [[Int64]]
    private var redactionScratch: [RedactionScratch?]
    /// Texts that redaction stages had no working memory for.
    private var unscanned = 0
    /// Private keys that have begun and not ended, by redaction stage and source.
    private var armours: [Armoured: KeyArmour] = [:]

    private struct Armoured: Hashable {
        var memory: Int
        var source: ByteString
    }

    /// From label sets to what redaction stages make of them.
    private var redactedSets: [LabelMove]

    @exclusivity(unchecked) private var cursor = JSONCursor(capacity: 256)
    private var groups: [Range<Int>?] = []
    private let joined = ByteArena(capacity: 256)
    private var random = SplitMix(seed: UInt64.random(in: .min ... .max))
    private var dropped: [Int]
    /// Lines that have come to each operation since they were counted.
    @exclusivity(unchecked) private var reached: [Int]

    @exclusivity(unchecked) private var entry: PipelineEntry
    /// Entries for lines that were let go while another one is worked on.
    private var spares: [PipelineEntry] = []

    /// Names of structured metadata by number: those of stages, then those that came with lines.
    private var names: [MetadataName]
    private var nameNumbers: [ByteString: Int] = [:]
    /// Beyond this many the runner begins anew. Chosen: far more than senders have.
    private static let namesMax = 4096

    private var pending: [PendingEntry.Key: PendingEntry] = [:]
    /// How many of them each stage holds, by its memory number: one stage's limit is not another's.
    private var waitingCounts: [Int]
    /// Sources whose committed position is behind what was read.
    private var held: [ByteString: Held] = [:]
    private var source = ByteString()

    private struct Held {
        var committed: UInt64
        var last: SourcePosition
    }

    /// How far this runner has counted; nil: the pipeline counts nothing.
    private let turn: MetricLedger.Turn?
    /// Sources of which lines may come that were counted before, by another runner or in an earlier run.
    private var replayed: [ByteString: MetricLedger.Mark] = [:]
    /// Sources that were asked about.
    private var asked: Set<ByteString> = []
    /// Sources whose mark holds waiting lines.
    private var markedWaiting: Set<ByteString> = []

    private let inspector: PipelineInspector?
    /// Lines that are under way while somebody looks on, innermost last.
    private var walks: [PipelineInspector.Walk] = []

    /// Last time given to a line of each label set, for times of reading.
    private var assigned: [Int64] = []
    @exclusivity(unchecked) private var now: Int64 = 0
    private var nextExpiry: Int64 = 0

    init(_ pipeline: Pipeline) {
        self.pipeline = pipeline
        clock = pipeline.environment.clock
        inspector = pipeline.environment.inspector
        sets = LabelSets(slots: pipeline.slots, bytes: ByteArena(capacity: 4096))
        let count = pipeline.memoryCount
        moves = (0..<count).map { _ in LabelMove() }
        answers = [LabelAnswers](repeating: LabelAnswers(), count: count)
        metrics = (0..<count).map { _ in MetricMemory() }
        cleaner = LabelCleaner(pipeline.allRedactors)
        lastTimes = [[Int64]](repeating: [], count: count)
        waitingCounts = [Int](repeating: 0, count: count)
        redactionScratch = pipeline.redactors.map { try? $0.makeScratch() }
        redactedSets = pipeline.redactors.map { _ in LabelMove() }
        dropped = [Int](repeating: 0, count: pipeline.dropCounters.count)
        reached = [Int](repeating: 0, count: pipeline.operations.count)
        names = pipeline.metadataNames
        entry = PipelineEntry(slotCount: pipeline.slots.count, sets: sets)
        turn = pipeline.counts ? pipeline.environment.ledger.begin() : nil
    }

    deinit { if let turn { pipeline.environment.ledger.end(turn) } }

    /// Whether lines wait for more lines: `flush` must then be called every second or so.
    package var isWaiting: Bool { !pending.isEmpty }

    /// Whether lines of this source wait here, or their position: an advance of it is still to come.
    package func isHolding(_ source: ByteString) -> Bool { held[source] != nil }

    // MARK: Batches

    /// Runs all lines of the batch, and adds what comes out, with the source's advance, to `output`.
    package func process(_ batch: LineBatch, into output: PipelineOutput) {
        guard let turn else { return pass(batch, output) }
        ask(batch, turn)
        turn.marks.withLock { marks in
            pass(batch, output)
            mark(&marks, batch)
        }
    }

    private func pass(_ batch: LineBatch, _ output: PipelineOutput) {
        now = clock().nanoseconds
        if sets.isFull || nameNumbers.count > Self.namesMax { forget(output) }
        expireMetrics()
        output.begin(self, source: batch.source)
        defer { output.end() }
        source = batch.source

        var batchSets: [Int] = []
        batchSets.reserveCapacity(batch.labelSets.count)
        for labels in batch.labelSets { batchSets.append(sets.id(of: labels)) }
        let bytes = batch.bytes.view
        var from = batch.from
        for line in batch.lines {
            let start = Int(line.start)
            let end = start + Int(line.length)
            guard end <= bytes.count, Int(line.labels) < batchSets.count else {
                // A source that miscounts: nothing of it may be read outside the buffer.
                from = line.end
                continue
            }
            entry.state.begin(bytes[start..<end])
            entry.set = batchSets[Int(line.labels)]
            entry.timestamp = line.timestamp
            entry.isOwnTime = !batch.keepsTimes
            entry.from = from
            entry.redactedBy = nil
            if !entry.metadata.isEmpty { entry.metadata.removeAll(keepingCapacity: true) }
            if line.metadata > 0, Int(line.metadata) < batch.metadataSets.count {
                bring(batch.metadataSets[Int(line.metadata)])
            }
            sets.seed(entry.set, &entry.state)
            run(from: 0, &entry, output)
            from = line.end
        }
        let hasOffsets = !batch.path.hasPrefix("journal:")
        if !hasOffsets, !pending.isEmpty { release(output) { key, _ in key.source == batch.source } }
        // A source without a name (standard input) has no position to come back to.
        if !batch.source.isEmpty { output.advance(advance(batch)) }
        countDropped()
    }

    /// Structured metadata that came with the line. What stages set goes over it.
    private func bring(_ metadata: Labels) {
        for pair in metadata.pairs {
            let text = pair.value.withView { entry.state.store($0) }
            entry.metadata.append((number(ofName: pair.name), text))
        }
    }

    private func number(ofName name: ByteString) -> Int {
        if let known = nameNumbers[name] { return known }
        let number = names.count
        names.append(MetadataName(name))
        nameNumbers[name] = number
        return number
    }

    /// Lets go of lines that have waited long enough; of all with `all`.
    package func flush(into output: PipelineOutput, all: Bool = false) {
        guard !pending.isEmpty || !held.isEmpty else { return }
        guard let turn else { return letGo(output, all: all) }
        turn.marks.withLock { marks in
            letGo(output, all: all)
            mark(&marks, nil)
        }
    }

    private func letGo(_ output: PipelineOutput, all: Bool) {
        now = clock().nanoseconds
        output.begin(self)
        defer { output.end() }
        release(output) { [now] _, entry in all || entry.deadline <= now }
        for (source, held) in held {
            let position = reach(source) ?? held.last.offset
            guard position > held.committed else { continue }
            output.advance(
                SourceAdvance(
                    source: source, from: held.committed,
                    to: SourcePosition(offset: position, detail: held.last.detail)))
            if position == held.last.offset {
                self.held[source] = nil
            } else {
                self.held[source]?.committed = position
            }
        }
        countDropped()
    }

    /// How far a source may be committed: before its first waiting line.
    private func reach(_ source: ByteString) -> UInt64? {
        var first: UInt64?
        for (key, entry) in pending where key.source == source { first = min(first ?? .max, entry.from) }
        return first
    }

    private func advance(_ batch: LineBatch) -> SourceAdvance {
        let from = held[batch.source]?.committed ?? batch.from
        var to = batch.to
        if let position = reach(batch.source), position < to.offset {
            to.offset = max(from, position)
            held[batch.source] = Held(committed: to.offset, last: batch.to)
        } else if !held.isEmpty {
            held[batch.source] = nil
        }
        return SourceAdvance(source: batch.source, from: from, to: to)
    }

    /// Label sets have become too many: begins anew. What stages remembered of them goes too.
    private func forget(_ output: PipelineOutput) {
        output.begin(self)
        release(output) { _, _ in true }
        output.end()
        sets.reset()
        names = pipeline.metadataNames
        nameNumbers = [:]
        for i in moves.indices { moves[i].reset() }
        for i in redactedSets.indices { redactedSets[i].reset() }
        for i in answers.indices { answers[i].reset() }
        for i in metrics.indices { metrics[i].reset() }
        for i in lastTimes.indices { lastTimes[i] = [] }
        assigned = []
    }

    /// Idle series are looked for now and then, not only when somebody scrapes.
    private func expireMetrics() {
        guard now >= nextExpiry || nextExpiry &- now > 2 * Self.expiryInterval else { return }
        nextExpiry = now &+ Self.expiryInterval
        pipeline.environment.families.expire(now: now)
    }

    private static let expiryInterval: Int64 = 15_000_000_000

    private func countDropped() {
        for (reason, count) in dropped.enumerated() where count > 0 {
            pipeline.dropCounters[reason].add(count)
            dropped[reason] = 0
        }
        for (stage, counter) in pipeline.stageCounters.enumerated() where reached[stage] > 0 {
            counter.add(reached[stage])
            reached[stage] = 0
        }
        for (number, counters) in pipeline.redactionCounters.enumerated() {
            counters.take(redactionScratch[number], unscanned: unscanned)
        }
        unscanned = 0
    }

    // MARK: What is counted

    /// Whether lines of the source may come that were counted before.
    private func ask(_ batch: LineBatch, _ turn: MetricLedger.Turn) {
        guard !batch.source.isEmpty else { return }
        if let mark = replayed[batch.source], batch.from >= mark.upTo, reach(batch.source) == nil { replayed[batch.source] = nil }
        guard asked.insert(batch.source).inserted else { return }
        if asked.count > MetricLedger.sourcesMax { asked = [batch.source] }
        guard let mark = pipeline.environment.ledger.mark(of: batch.source, besides: turn), batch.from < mark.upTo else { return }
        replayed[batch.source] = mark
    }

    /// Notes how far a batch has been counted, and what waits. Sources without a name are never read again.
    private func mark(_ marks: inout [ByteString: MetricLedger.Mark], _ batch: LineBatch?) {
        if let batch, !batch.source.isEmpty {
            if marks.count >= MetricLedger.turnMax { pipeline.environment.ledger.absorb(&marks) }
            var mark = MetricLedger.Mark(upTo: batch.to.offset)
            if let earlier = replayed[batch.source], earlier.upTo > mark.upTo {
                mark.upTo = earlier.upTo
                mark.waiting = earlier.waiting.filter { $0.key >= batch.to.offset }
            }
            marks[batch.source] = mark
        }
        guard pipeline.hasWaitingStages else { return }
        var waiting: [ByteString: [UInt64: Int]] = [:]
        for (key, entry) in pending where !key.source.isEmpty { waiting[key.source, default: [:]][entry.from] = entry.next }
        for source in markedWaiting where waiting[source] == nil && source != batch?.source { marks[source]?.waiting = [:] }
        for (source, lines) in waiting { marks[source]?.waiting.merge(lines) { _, now in now } }
        markedWaiting = Set(waiting.keys)
    }

    // MARK: One line

    private func run(from start: Int, _ entry: inout PipelineEntry, _ output: PipelineOutput) {
        guard let inspector else { return pass(from: start, &entry, output) }
        walks.append(PipelineInspector.Walk(picture: inspector.picture(entry, sets, names, pipeline), at: start))
        pass(from: start, &entry, output)
        if let walk = walks.popLast(), walk.at < pipeline.operations.count { inspector.tellEnd(walk, pipeline.operations[walk.at]) }
    }

    /// The innermost line has come to the operation `at`.
    private func look(_ at: Int, _ entry: borrowing PipelineEntry, _ inspector: PipelineInspector) {
        guard let walk = walks.last, walk.at != at else { return }
        let now = inspector.picture(entry, sets, names, pipeline)
        inspector.tell(walk, now, pipeline.operations[walk.at], next: at)
        walks[walks.count - 1] = PipelineInspector.Walk(picture: now, at: at)
    }

    private func pass(from start: Int, _ entry: inout PipelineEntry, _ output: PipelineOutput) {
        let operations = pipeline.operations
        var at = start
        while at < operations.count {
            reached[at] &+= 1
            if let inspector { look(at, entry, inspector) }
            switch operations[at] {
            case .json(let extraction, let dropReason):
                if case .malformed = extraction.run(&entry.state, &cursor), let dropReason {
                    dropped[dropReason] += 1
                    return
                }
            case .logfmt(let extraction): extraction.run(&entry.state)
            case .regex(let extraction): extraction.run(&entry.state, groups: &groups)
            case .timestamp(let extraction, let fudge, let memory):
                stamp(&entry, extraction.run(entry.state, now: now), fudge: fudge, memory)
            case .cri(let operation): if !cri(operation, &entry, at, output) { return }
            case .multiline(let operation): if !multiline(operation, &entry, at, output) { return }
            case .output(let slot):
                let value = entry.state.slots[slot]
                if value.hasText { entry.state.line = value.text }
            case .template(let operation, let slot): template(operation, slot, &entry.state)
            case .replace(let operation): operation.run(&entry.state, groups: &groups, joined)
            case .pack(let operation):
                operation.run(&entry.state, sets.sets[entry.set])
                entry.set = moves[operation.memory].map(from: entry.set, sets) { labels in
                    for target in operation.labels { labels[target.name] = nil }
                }
                if operation.ingestTimestamp {
                    entry.timestamp = clock().nanoseconds
                    entry.isOwnTime = true
                }
            case .decolorize: TerminalColours.strip(&entry.state)
            case .strip(let operation): operation.run(&entry.state)
            case .redact(let memory):
                entry.redactedBy = memory
                if !redact(memory, &entry) { return }
            case .labels(let targets, let memory):
                entry.set = moves[memory].set(targets, from: entry.set, entry.state, sets)
            case .setLabels(let labels, let memory):
                entry.set = moves[memory].map(from: entry.set, sets) { set in
                    for label in labels { set[label.name] = label.value }
                }
            case .tenantFromLabel(let name, let memory):
                entry.set = moves[memory].map(from: entry.set, sets) { set in
                    if let value = set[name] { set["__tenant_id__"] = value }
                }
            case .allowLabels(let names, let memory):
                entry.set = moves[memory].map(from: entry.set, sets) { set in
                    set = Labels(set.pairs.filter { names.contains($0.name) })
                }
            case .dropLabels(let names, let memory):
                entry.set = moves[memory].map(from: entry.set, sets) { set in
                    set = Labels(set.pairs.filter { !names.contains($0.name) })
                }
            case .structuredMetadata(let targets, let memory): metadata(targets, memory, &entry)
            case .seed: sets.seed(entry.set, &entry.state)
            case .match(let operation, let otherwise, let memory):
                if !selects(operation, memory, entry) {
                    at = otherwise
                    continue
                }
            case .dropMatching(let operation, let reason, let memory):
                if selects(operation, memory, entry) {
                    dropped[reason] += 1
                    return
                }
            case .drop(let operation, let reason):
                if operation.drops(entry.state, timestamp: entry.timestamp, now: now, joined) {
                    dropped[reason] += 1
                    return
                }
            case .limit(let operation, let reason):
                if !operation.admits(sets.sets[entry.set]) {
                    dropped[reason] += 1
                    return
                }
            case .sample(let rate, let reason):
                if random.unit() >= rate {
                    dropped[reason] += 1
                    return
                }
            case .metrics(let list):
                if !replayed.isEmpty, let mark = replayed[source], mark.hasCounted(entry.from, at: at) { break }
                for metric in list {
                    guard let amount = metric.amount(entry.state) else { continue }
                    metrics[metric.memory].observe(metric, amount, entry, sets, cleaner, now: now)
                }
            }
            at += 1
        }
        if let inspector { look(at, entry, inspector) }
        emit(&entry, output)
    }

    /// Gives the entry the time that was read; with `fudge`, where none was, one nanosecond more than the last of its labels.
    private func stamp(_ entry: inout PipelineEntry, _ time: Int64?, fudge: Bool, _ memory: Int) {
        var time = time
        if time == nil, fudge, entry.set < lastTimes[memory].count, lastTimes[memory][entry.set] != .min {
            time = lastTimes[memory][entry.set] &+ 1
        }
        guard let time else { return }
        entry.timestamp = time
        entry.isOwnTime = false
        if fudge { remember(time, entry.set, memory) }
    }

    private func remember(_ time: Int64, _ set: Int, _ memory: Int) {
        if set >= lastTimes[memory].count {
            let missing = max(set + 1, sets.sets.count) - lastTimes[memory].count
            lastTimes[memory].append(contentsOf: [Int64](repeating: .min, count: missing))
        }
        lastTimes[memory][set] = time
    }

    private func selects(_ operation: MatchOperation, _ memory: Int, _ entry: borrowing PipelineEntry) -> Bool {
        guard answers[memory].answer(entry.set, sets, { operation.matchers.matches($0) }) else { return false }
        return operation.lineConditions.isEmpty || operation.matches(entry.state.view(entry.state.line))
    }

    /// An empty result takes the value out of the map; a template that fails changes nothing.
    private func template(_ operation: TemplateOperation, _ slot: Int, _ state: inout EntryState) {
        joined.reset()
        guard operation.run(state, value: state.text(slot), withEntry: true, into: joined) else { return }
        state.slots[slot] = joined.isEmpty ? .absent : ExtractedValue(.text, state.store(joined.view))
    }

    private func metadata(_ targets: [MetadataTarget], _ memory: Int, _ entry: inout PipelineEntry) {
        // Bit n: the label that target n names goes away, since its value is kept here.
        var moved: UInt64 = 0
        let hasSource = answers[memory].answer(entry.set, sets) { labels in
            targets.contains { labels[$0.source] != nil }
        }
        for (n, target) in targets.enumerated() {
            let value = entry.state.slots[target.slot]
            if value.hasText, entry.state.view(value.text).isUTF8 {
                entry.metadata.append((target.name, value.text))
            }
            guard hasSource, let label = sets.sets[entry.set][target.source] else { continue }
            if value.hasText {
                if n < 64, label == entry.state.view(value.text) { moved |= 1 << UInt64(n) }
            } else {
                let text = label.withView { entry.state.store($0) }
                entry.metadata.append((target.name, text))
                if n < 64 { moved |= 1 << UInt64(n) }
            }
        }
        guard moved != 0 else { return }
        entry.set = moves[memory].map(from: entry.set, variant: moved, sets) { labels in
            for (n, target) in targets.enumerated() where n < 64 && moved >> UInt64(n) & 1 == 1 {
                labels[target.source] = nil
            }
        }
    }

    // MARK: Redaction

    /// False when the line must not be written.
    private func redact(_ memory: Int, _ entry: inout PipelineEntry) -> Bool {
        guard let scratch = redactionScratch[memory] else {
            unscanned += 1
            entry.state.line = entry.state.store(ByteView(Redactor.placeholder))
            return true
        }
        let line = entry.state.stableView(entry.state.line)
        let start = entry.state.scratch.count
        let place = Armoured(memory: memory, source: source)
        let known = armours.isEmpty ? nil : armours[place]
        var armour = known ?? KeyArmour()
        let outcome = pipeline.redactors[memory].redact(line, scratch, into: entry.state.scratch, armour: &armour)
        if armour.isOpen || known != nil { armours[place] = armour.isOpen ? armour : nil }
        switch outcome {
        case .clean: return true
        case .changed, .failed:
            entry.state.line = entry.state.stored(since: start)
            return true
        case .dropped: return false
        }
    }

    /// Labels as a redaction stage leaves them: asked once for each set.
    private func redact(_ memory: Int, _ labels: inout Labels) {
        let out = ByteArena()
        for pair in labels.pairs {
            guard let scratch = redactionScratch[memory] else {
                unscanned += 1
                labels[pair.name] = ByteString(ByteView(Redactor.placeholder))
                continue
            }
            out.reset()
            let outcome = pair.value.withView { value in
                pair.name.withView {
                    pipeline.redactors[memory].redactValue(value, name: $0, of: .label, scratch, into: out)
                }
            }
            switch outcome {
            case .clean: continue
            case .changed, .failed: labels[pair.name] = ByteString(out.view)
            case .dropped: labels[pair.name] = ByteString(ByteView(Redactor.placeholder))
            }
        }
    }

    /// A metadata value as the entry's redaction stage leaves it.
    private func redacted(_ text: TextRef, name: ByteString, _ memory: Int, _ entry: inout PipelineEntry) -> TextRef {
        guard let scratch = redactionScratch[memory] else {
            unscanned += 1
            return entry.state.store(ByteView(Redactor.placeholder))
        }
        let value = entry.state.stableView(text)
        let start = entry.state.scratch.count
        let outcome = name.withView { name in
            pipeline.redactors[memory].redactValue(value, name: name, scratch, into: entry.state.scratch)
        }
        switch outcome {
        case .clean: return text
        case .changed, .failed: return entry.state.stored(since: start)
        case .dropped: return entry.state.store(ByteView(Redactor.placeholder))
        }
    }

    // MARK: The end of the line

    /// How far a clock that was set back may pull times of reading behind it, nanoseconds.
    private static let clockSlack: Int64 = 1_000_000_000

    private func emit(_ entry: inout PipelineEntry, _ output: PipelineOutput) {
        if let memory = entry.redactedBy {
            entry.set = redactedSets[memory].map(from: entry.set, sets) { redact(memory, &$0) }
            for i in entry.metadata.indices {
                let name = names[entry.metadata[i].name].text
                entry.metadata[i].text = redacted(entry.metadata[i].text, name: name, memory, &entry)
            }
        }
        if entry.isOwnTime { spread(&entry) }
        output.add(entry, sets, names)
    }

    /// Lines read at once have the same time: each gets one nanosecond more than the one before it in its stream, so
    /// that they keep their order and equal lines stay apart wherever they are sent.
    private func spread(_ entry: inout PipelineEntry) {
        if entry.set >= assigned.count {
            let missing = max(entry.set + 1, sets.sets.count) - assigned.count
            assigned.append(contentsOf: [Int64](repeating: .min, count: missing))
        }
        let last = assigned[entry.set]
        if entry.timestamp <= last, last &- entry.timestamp < Self.clockSlack, last < .max { entry.timestamp = last + 1 }
        assigned[entry.set] = entry.timestamp
    }

    // MARK: Lines that wait

    /// Whether the line goes on.
    private func multiline(
        _ operation: MultilineOperation, _ entry: inout PipelineEntry, _ at: Int, _ output: PipelineOutput
    ) -> Bool {
        let key = PendingEntry.Key(memory: operation.memory, source: source, set: entry.set)
        let line = entry.state.view(entry.state.line)
        if operation.firstline.matches(line) {
            letGo(key, output)
            var made = waiting(entry, next: at + 1)
            made.deadline = now &+ operation.waitMax
            if operation.linesMax <= 1 { return true }
            if waitingCounts[operation.memory] >= PendingEntry.countMax {
                release(output) { key, _ in key.memory == operation.memory }
            }
            hold(made, key)
            return false
        }
        guard let waiting = pending[key] else { return true }
        waiting.text.append(UInt8(ascii: "\n"))
        waiting.text.append(line)
        let lines = waiting.lines + 1
        pending[key]?.lines = lines
        pending[key]?.deadline = now &+ operation.waitMax
        if lines >= operation.linesMax || waiting.text.count >= CRIOperation.sizeLimit { letGo(key, output) }
        return false
    }

    /// Whether the line goes on.
    private func cri(
        _ operation: CRIOperation, _ entry: inout PipelineEntry, _ at: Int, _ output: PipelineOutput
    ) -> Bool {
        let line = entry.state.view(entry.state.line)
        guard let parsed = CRILine(line) else { return true }
        let whole = entry.state.line
        entry.state.slots[operation.time] = ExtractedValue(.text, whole.part(parsed.time))
        entry.state.slots[operation.stream.slot] = ExtractedValue(.text, whole.part(parsed.stream))
        entry.state.slots[operation.content] = ExtractedValue(.text, whole.part(parsed.content))
        entry.state.slots[operation.flags] = ExtractedValue(
            .text, whole.part((parsed.stream.upperBound + 1)..<(parsed.content.lowerBound - 1)))
        let time = CRIOperation.timeFormat.nanoseconds(line[parsed.time], zone: .utc, now: Timestamp(nanoseconds: now))
        entry.set = moves[operation.memory].set([operation.stream], from: entry.set, entry.state, sets)
        stamp(&entry, time, fudge: true, operation.memory)
        entry.state.line = whole.part(parsed.content)

        let key = PendingEntry.Key(memory: operation.memory, source: source, set: entry.set)
        if parsed.isPartial {
            if waitingCounts[operation.memory] >= operation.partialStreamsMax {
                release(output) { key, _ in key.memory == operation.memory }
            }
            let content = line[parsed.content]
            if let waiting = pending[key] {
                append(content, to: waiting.text, operation)
                pending[key]?.deadline = now &+ CRIOperation.waitMax
                // Should the end never come, the time is that of the last part, as with an end.
                pending[key]?.timestamp = entry.timestamp
                pending[key]?.isOwnTime = entry.isOwnTime
            } else {
                var made = waiting(entry, next: at + 1)
                if let sizeMax = operation.sizeMax { made.text.truncate(to: min(made.text.count, sizeMax)) }
                made.deadline = now &+ CRIOperation.waitMax
                hold(made, key)
            }
            return false
        }
        if let waiting = take(key) {
            append(line[parsed.content], to: waiting.text, operation)
            let start = entry.state.scratch.count
            entry.state.scratch.append(waiting.text.view)
            entry.state.line = entry.state.stored(since: start)
            entry.state.slots[operation.content] = ExtractedValue(.text, entry.state.line)
        }
        return true
    }

    private func append(_ content: ByteView, to text: ByteArena, _ operation: CRIOperation) {
        let room = max(0, (operation.sizeMax ?? CRIOperation.sizeLimit) - text.count)
        text.append(content.prefix(room))
    }

    private func waiting(_ entry: borrowing PipelineEntry, next: Int) -> PendingEntry {
        let text = ByteArena(capacity: max(256, Int(entry.state.line.count) * 2))
        text.append(entry.state.view(entry.state.line))
        var slots: [(slot: Int, kind: ExtractedValue.Kind, text: ByteString)] = []
        for (slot, value) in entry.state.slots.enumerated() where value.kind != .absent {
            slots.append((slot, value.kind, ByteString(entry.state.view(value.text))))
        }
        var metadata: [(name: Int, text: ByteString)] = []
        for pair in entry.metadata { metadata.append((pair.name, ByteString(entry.state.view(pair.text)))) }
        return PendingEntry(
            next: next, text: text, lines: 1, timestamp: entry.timestamp, isOwnTime: entry.isOwnTime, slots: slots,
            metadata: metadata, redactedBy: entry.redactedBy, from: entry.from, deadline: 0)
    }

    private func hold(_ entry: PendingEntry, _ key: PendingEntry.Key) {
        if pending.updateValue(entry, forKey: key) == nil { waitingCounts[key.memory] += 1 }
    }

    private func take(_ key: PendingEntry.Key) -> PendingEntry? {
        guard let waiting = pending.removeValue(forKey: key) else { return nil }
        waitingCounts[key.memory] -= 1
        return waiting
    }

    /// Sends a waiting entry on its way.
    private func letGo(_ key: PendingEntry.Key, _ output: PipelineOutput) {
        guard let waiting = take(key) else { return }
        var entry = spares.popLast() ?? PipelineEntry(slotCount: pipeline.slots.count, sets: sets)
        entry.state.begin(waiting.text.view)
        entry.set = key.set
        entry.timestamp = waiting.timestamp
        entry.isOwnTime = waiting.isOwnTime
        entry.redactedBy = waiting.redactedBy
        entry.from = waiting.from
        entry.metadata.removeAll(keepingCapacity: true)
        for value in waiting.slots {
            let text = value.text.withView { entry.state.store($0) }
            entry.state.slots[value.slot] = ExtractedValue(value.kind, text)
        }
        for pair in waiting.metadata {
            let text = pair.text.withView { entry.state.store($0) }
            entry.metadata.append((pair.name, text))
        }
        let around = source
        source = key.source
        run(from: waiting.next, &entry, output)
        source = around
        spares.append(entry)
    }

    private func release(_ output: PipelineOutput, where chosen: (PendingEntry.Key, PendingEntry) -> Bool) {
        let keys = pending.filter { chosen($0.key, $0.value) }
            .sorted { ($0.value.from, $0.value.timestamp) < ($1.value.from, $1.value.timestamp) }
            .map(\.key)
        for key in keys { letGo(key, output) }
    }
}

/// A small random generator for sampling (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// 0..<1
    mutating func unit() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Double(z >> 11) * 0x1p-53
    }
}
