import Bytes
import LogModel
import LogStages

/// Promtail's `pack`: labels move into the line, which becomes a JSON object with the old line as `_entry`.
struct PackOperation: Sendable {
    /// Sorted by name.
    var labels: [LabelTarget]
    var ingestTimestamp: Bool
    var memory: Int

    /// Writes the new line; the caller removes the labels.
    func run(_ state: inout EntryState, _ set: Labels) {
        let line = state.stableView(state.line)
        let start = state.scratch.count
        let out = state.scratch
        out.append(UInt8(ascii: "{"))
        for target in labels {
            // Copied: the value may stand in the buffer that is written to.
            let value: ByteString? = state.text(target.slot).map { ByteString($0) } ?? set[target.name]
            guard let value else { continue }
            GoJSON.appendQuoted(target.name, into: out)
            out.append(UInt8(ascii: ":"))
            GoJSON.appendQuoted(value, into: out)
            out.append(UInt8(ascii: ","))
        }
        out.append("\"_entry\":\"")
        JSONText.escape(line, into: out, html: true)
        out.append("\"}")
        state.line = state.stored(since: start)
    }
}
