import Bytes
import LogModel
import LogStages

/// The label sets that a runner has met, by number. A line carries the number of its set; stages that change labels
/// move it to another number through a cache (`LabelMove`).
///
/// Bounded: when there are too many sets (`isFull`) the runner starts anew between two batches, with the next
/// generation of numbers.
final class LabelSets {
    static let countMax = 1 << 16

    /// Values of labels, for `TextRef.Origin.labels`.
    let bytes: ByteArena
    private(set) var sets: [Labels] = []
    private(set) var generation = 0
    private var index = LabelTable()
    /// Of each set: what it puts into the extracted map.
    private var seeds: [[Seed]] = []
    private let slots: [ByteString: Int]

    struct Seed {
        var slot: Int
        var text: TextRef
    }

    /// `slots`: names of the extracted map that any stage looks at.
    init(slots: [ByteString: Int], bytes: ByteArena) {
        self.slots = slots
        self.bytes = bytes
    }

    var isFull: Bool { sets.count >= Self.countMax }

    func id(of labels: Labels) -> Int {
        let known = sets.count
        let id = index.number(of: labels, in: &sets)
        if id < known { return id }
        var seed: [Seed] = []
        for pair in labels.pairs {
            guard let slot = slots[pair.name] else { continue }
            let start = bytes.count
            bytes.append(pair.value)
            seed.append(Seed(slot: slot, text: TextRef(.labels, start, pair.value.count)))
        }
        seeds.append(seed)
        return id
    }

    /// Puts the labels of a set into the extracted map, over what is there.
    func seed(_ set: Int, _ state: inout EntryState) {
        for seed in seeds[set] { state.slots[seed.slot] = ExtractedValue(.text, seed.text) }
    }

    /// Forgets all sets: their numbers mean nothing any more.
    func reset() {
        generation += 1
        sets.removeAll()
        index.removeAll()
        seeds.removeAll()
        bytes.reset()
    }
}

/// What a label-changing stage remembers: from which set and which values it came to which set.
struct LabelMove {
    private var table = BytesTable()
    private let key = ByteArena(capacity: 256)

    /// The set after labels `targets` took the texts of their slots. Missing values and those that are not UTF-8 change
    /// nothing; an empty value is set.
    mutating func set(
        _ targets: [LabelTarget], from set: Int, _ state: borrowing EntryState, _ sets: LabelSets
    ) -> Int {
        key.reset()
        key.append(littleEndian: UInt32(truncatingIfNeeded: set))
        for target in targets {
            let value = state.slots[target.slot]
            guard value.hasText else {
                key.append(littleEndian: UInt32.max)
                continue
            }
            key.append(littleEndian: value.text.count)
            key.append(state.view(value.text))
        }
        if let known = table.find(key.view) { return known }
        var labels = sets.sets[set]
        for target in targets {
            guard let text = state.text(target.slot), text.isUTF8 else { continue }
            labels[target.name] = ByteString(text)
        }
        return remember(sets.id(of: labels))
    }

    /// The set that `change` makes of another; `variant` tells apart changes of one stage.
    mutating func map(from set: Int, variant: UInt64 = 0, _ sets: LabelSets, _ change: (inout Labels) -> Void) -> Int {
        key.reset()
        key.append(littleEndian: UInt32(truncatingIfNeeded: set))
        key.append(littleEndian: variant)
        if let known = table.find(key.view) { return known }
        var labels = sets.sets[set]
        change(&labels)
        return remember(sets.id(of: labels))
    }

    private mutating func remember(_ id: Int) -> Int {
        table.insert(key.view, id)
        return id
    }

    mutating func reset() { table.removeAll() }
}

/// A label and the slot that its value comes from.
struct LabelTarget: Sendable, Equatable {
    var name: ByteString
    var slot: Int
}
