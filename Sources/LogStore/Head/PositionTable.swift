import Bytes
import LogModel
import Synchronization

/// How far each source is committed. Changed only together with the lines that carry the change (I3).
final class PositionTable: Sendable {
    private let table = Mutex<[ByteString: SourcePosition]>([:])

    subscript(source: ByteString) -> SourcePosition? { table.withLock { $0[source] } }

    func set(_ source: ByteString, _ position: SourcePosition) { table.withLock { $0[source] = position } }

    func apply(_ advances: [SourceAdvance]) {
        if advances.isEmpty { return }
        table.withLock { table in for advance in advances { table[advance.source] = advance.to } }
    }

    func all() -> [ByteString: SourcePosition] { table.withLock { $0 } }

    func withPrefix(_ prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        let all = table.withLock { $0 }
        return prefix.withView { prefix in
            all.filter { entry in entry.key.withView { $0.hasPrefix(prefix) } }
        }.map { (source: $0.key, position: $0.value) }.sorted { $0.source < $1.source }
    }
}

/// What the committer says of a batch before it is written.
enum Admission {
    case store
    /// Everything of it is committed already.
    case duplicate
    case refuse(StoreError)
}

/// Positions as they will be once the batches before this one are committed.
struct PositionCheck {
    let table: PositionTable
    private var pending: [ByteString: SourcePosition] = [:]

    init(_ table: PositionTable) { self.table = table }

    /// Decides about a batch's advances, and remembers them when they stand.
    mutating func admit(_ advances: [SourceAdvance], hasRows: Bool) -> Admission {
        if advances.isEmpty { return .store }
        var local: [ByteString: SourcePosition] = [:]
        var duplicates = 0
        var refusal: StoreError?
        var steps = 0
        for advance in advances {
            let committed = (local[advance.source] ?? pending[advance.source] ?? table[advance.source])?.offset ?? 0
            if advance.from == committed, advance.to.offset >= committed {
                // A step of no length tells nothing of the lines: its source waits for the rest of one (multiline), or
                // only the detail is new.
                local[advance.source] = advance.to
                if advance.to.offset > committed || !hasRows { steps += 1 }
            } else if advance.to.offset <= committed {
                duplicates += 1
            } else if refusal == nil {
                refusal = StoreError(
                    .positionMismatch(committed: committed),
                    "source \(advance.source) is committed up to \(committed), the batch begins at \(advance.from): "
                        + "read on from \(committed)"
                )
            }
        }
        if let refusal { return .refuse(refusal) }
        if duplicates > 0, steps == 0 { return .duplicate }
        if duplicates > 0 {
            // Lines of a batch cannot be told apart by source, so the caller must send what is new alone.
            for advance in advances where local[advance.source] == nil {
                let committed = (pending[advance.source] ?? table[advance.source])?.offset ?? 0
                return .refuse(
                    StoreError(
                        .positionMismatch(committed: committed),
                        "source \(advance.source) is committed up to \(committed), other sources of the batch are "
                            + "not: send them apart"
                    )
                )
            }
        }
        for (source, position) in local { pending[source] = position }
        return .store
    }
}
