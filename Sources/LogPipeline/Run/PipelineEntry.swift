import LogStages

/// A line on its way through the operations.
struct PipelineEntry {
    var state: EntryState
    /// Number of its label set.
    var set = 0
    /// Nanoseconds.
    var timestamp: Int64 = 0
    /// Whether the time is that of reading, which no stage has replaced.
    var isOwnTime = true
    /// Structured metadata: name by number, and value.
    var metadata: [(name: Int, text: TextRef)] = []
    /// The redaction stage that it has passed last, by memory.
    var redactedBy: Int?
    /// Offset in the source before it.
    var from: UInt64 = 0

    init(slotCount: Int, sets: LabelSets) { state = EntryState(slotCount: slotCount, labelBytes: sets.bytes) }
}
