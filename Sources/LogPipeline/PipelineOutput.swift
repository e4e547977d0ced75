import Bytes
import LogModel
import LogStages
import Metrics
import Redaction

/// Gathers what pipelines emit until it is committed: for the embedded store, for shipping, or for both.
///
/// For the store lines pass Intake (service_name, detected_level, limits); what is shipped carries only what the stages
/// made, because the receiving server does the rest. Redaction is applied once, before either.
/// Not thread-safe.
package final class PipelineOutput {
    private let store: IntakeBuilder?
    // Unchecked, as what else is touched for each line: an output has one user at a time, and calls nobody who knows it.
    @exclusivity(unchecked) private var shipped: WriteBatch?
    private let tenant: Tenant
    private let redactor: IntakeBuilder?
    private let gate: CollectorGate?
    private let labelGuard: (guard: LabelGuard, max: Int)?
    private let cutLine = ByteArena(capacity: 256)
    /// Streams of the batch that is gathered, where their number is limited.
    private var streams: Set<Labels> = []

    /// What the current runner's label sets are here.
    @exclusivity(unchecked) private var map = StreamMap()
    private var maps: [ObjectIdentifier: StreamMap] = [:]
    /// Whether a private key has begun in a line of the current source; and of others, where one has.
    @exclusivity(unchecked) private var armour = KeyArmour()
    private var armours: [ByteString: KeyArmour] = [:]
    private var source: ByteString = ""
    private var current: ObjectIdentifier?
    private var advances: [SourceAdvance] = []
    @exclusivity(unchecked) private var rows = 0

    private struct StreamMap {
        var generation = -1
        /// By label set: number of the prepared stream of `store`, and of the stream of `shipped`; -1: not met yet.
        var store: [Int32] = []
        var shipped: [Int32] = []
        /// By label set: what of a shipped stream's labels became metadata.
        var demoted: [Int: [Label]] = [:]
    }

    /// `intake`: lines go to an embedded store, by these rules. `ships`: lines go to another server. `redactor`: the
    /// top-level `redaction:` block (an intake's own redactor is used when this is nil); `registry` (else the
    /// intake's) counts its work. `gate`: limits of the whole collector. `labelGuard`: of what is shipped, with the most values
    /// that a label may take in a day (an intake has its own).
    package init(
        tenant: Tenant = .fake, intake: Intake?, ships: Bool, redactor: Redactor? = nil, registry: Registry? = nil,
        gate: CollectorGate? = nil, labelGuard: (guard: LabelGuard, max: Int)? = nil
    ) {
        self.gate = gate
        self.labelGuard = labelGuard
        self.tenant = tenant
        store = intake?.makeBuilder(tenant: tenant)
        shipped = ships ? WriteBatch(tenant: tenant) : nil
        let active = redactor ?? intake?.redactor
        let counted = registry ?? intake?.registry ?? Registry()
        self.redactor = active.map { Intake(redactor: $0, registry: counted).makeBuilder(tenant: tenant) }
    }

    /// Lines gathered and not taken.
    package var count: Int { rows }
    /// Bytes of lines gathered and not taken.
    package var byteCount: Int { max(store?.byteCount ?? 0, shipped?.bytes.count ?? 0) }
    /// Whether there is neither line nor advance.
    package var isEmpty: Bool { rows == 0 && advances.isEmpty }

    /// What was gathered: for the store, and for shipping. Both carry all advances. Empty afterwards.
    package struct Taken {
        package var stored: IntakeResult?
        package var shipped: WriteBatch?
    }

    package func take() -> Taken {
        var taken = Taken(stored: store?.finish(), shipped: shipped)
        taken.stored?.batch.advances = advances
        taken.shipped?.advances = advances
        if shipped != nil { shipped = WriteBatch(tenant: tenant) }
        advances = []
        rows = 0
        streams.removeAll()
        maps.removeAll(keepingCapacity: true)
        map = StreamMap()
        _ = redactor?.finish()
        return taken
    }

    /// Gathers what ships in the memory of an earlier batch. Does nothing unless `count` is 0.
    package func adopt(_ emptied: consuming WriteBatch) {
        guard rows == 0, shipped != nil, emptied.isEmpty else { return }
        emptied.tenant = tenant
        shipped = emptied
    }

    // MARK: For runners

    /// Lines come from `source`; empty: from several.
    func begin(_ runner: PipelineRunner, source: ByteString = "") {
        self.source = source
        armour = armours.isEmpty ? KeyArmour() : armours[source] ?? KeyArmour()
        current = ObjectIdentifier(runner)
        map = maps.removeValue(forKey: ObjectIdentifier(runner)) ?? StreamMap()
        if map.generation != runner.sets.generation {
            map = StreamMap()
            map.generation = runner.sets.generation
        }
    }

    /// Sources in the middle of a key; more of them are none of ours.
    private static let armoursMax = 1 << 12

    func end() {
        if armour.isOpen {
            if armours.count >= Self.armoursMax { armours.removeAll() }
            armours[source] = armour
        } else if !armours.isEmpty {
            armours[source] = nil
        }
        if let current { maps[current] = map }
        map = StreamMap()
        current = nil
    }

    /// One advance for each source: later ones continue earlier ones.
    func advance(_ advance: SourceAdvance) {
        if let known = advances.firstIndex(where: { $0.source == advance.source && $0.to.offset == advance.from }) {
            advances[known].to = advance.to
        } else {
            advances.append(advance)
        }
    }

    func add(_ entry: borrowing PipelineEntry, _ sets: LabelSets, _ names: [MetadataName]) {
        var line = entry.state.view(entry.state.line)
        if let redactor {
            guard let clean = redactor.redact(line, &armour) else { return }
            line = clean
        }
        if let gate {
            // Behind redaction: of a secret that is cut in two the first half would not be recognised.
            guard let rest = gate.admit(line, scratch: cutLine), admits(entry.set, sets, gate) else { return }
            line = rest
        }
        if entry.set >= map.store.count {
            let missing = max(entry.set + 1, sets.sets.count) - map.store.count
            map.store.append(contentsOf: [Int32](repeating: -1, count: missing))
            map.shipped.append(contentsOf: [Int32](repeating: -1, count: missing))
        }
        rows += 1
        let (metadata, size, level) = metadata(entry, names)
        if let store {
            var stream = map.store[entry.set]
            if stream < 0 {
                stream = Int32(store.prepareStream(labels(entry.set, sets, forStore: true), isRedacted: true))
                map.store[entry.set] = stream
            }
            store.selectStream(Int(stream))
            store.addPrepared(timestamp: entry.timestamp, line: line, metadata: metadata, size: size, level: level)
        }
        if shipped != nil { ship(entry.set, sets, entry.timestamp, line, Labels(metadata)) }
    }

    /// Whether the stream is among those of the batch, or may be.
    private func admits(_ set: Int, _ sets: LabelSets, _ gate: CollectorGate) -> Bool {
        guard gate.limits.maxStreams > 0, !streams.contains(sets.sets[set]) else { return true }
        guard streams.count < gate.limits.maxStreams else {
            gate.dropStream()
            return false
        }
        streams.insert(sets.sets[set])
        return true
    }

    /// The entry's metadata, sorted, each name once; its bytes; and the level it names, if any.
    private func metadata(
        _ entry: borrowing PipelineEntry, _ names: [MetadataName]
    ) -> (pairs: [Label], size: Int, level: ByteString?) {
        if entry.metadata.isEmpty { return ([], 0, nil) }
        var pairs: [Label] = []
        pairs.reserveCapacity(entry.metadata.count + 1)
        var size = 0
        var level: (rank: Int, value: ByteString)?
        for item in entry.metadata where item.text.count > 0 {
            let name = names[item.name]
            var value = ByteString(entry.state.view(item.text))
            if let redactor {
                value = redactor.redactedValue(value, name: name.text)
                if value.isEmpty { continue }
            }
            value = MetadataNames.normalize(value: value)
            size += name.text.count + value.count
            if let rank = name.levelRank, rank < level?.rank ?? .max {
                level = (rank, value.withView { name.level($0) }?.text ?? value)
            }
            // Few pairs, mostly in order already.
            var at = pairs.count
            while at > 0, name.text < pairs[at - 1].name { at -= 1 }
            if at > 0, pairs[at - 1].name == name.text {
                pairs[at - 1].value = value
            } else {
                pairs.insert(Label(name.text, value), at: at)
            }
        }
        return (pairs, size, level?.value)
    }

    private func ship(_ set: Int, _ sets: LabelSets, _ timestamp: Int64, _ line: ByteView, _ metadata: Labels) {
        var stream = map.shipped[set]
        if stream < 0 {
            var labels = labels(set, sets, forStore: false)
            if let labelGuard {
                let wide = labelGuard.guard.demote(&labels, of: tenant, max: labelGuard.max)
                if !wide.isEmpty { map.demoted[set] = wide }
            }
            stream = Int32(shipped?.stream(labels) ?? 0)
            map.shipped[set] = stream
        }
        guard (shipped?.bytes.count ?? 0) + line.count <= WriteBatch.bytesMax else { return }
        let all = map.demoted.isEmpty ? metadata : Labels((map.demoted[set] ?? []) + metadata.pairs)
        let number = shipped?.metadataSet(all) ?? 0
        shipped?.add(timestamp: timestamp, stream: UInt32(stream), metadata: number, line: line)
    }

    /// The labels of a set as they leave: redacted, without empty ones; the embedded store has no use for the tenant,
    /// the shipper reads it.
    private func labels(_ set: Int, _ sets: LabelSets, forStore: Bool) -> Labels {
        var labels = sets.sets[set].withoutEmptyValues
        if let redactor { labels = redactor.redactedLabels(labels) }
        if forStore { labels["__tenant_id__"] = nil }
        return labels
    }
}
