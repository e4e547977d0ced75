import Bytes
import LogStages

/// Promtail's `drop`: all conditions that were given must hold.
struct DropOperation: Sendable {
    var sources: [Int]
    var separator: ByteString
    var value: ByteString?
    var regex: CompiledRegex?
    /// Nanoseconds.
    var olderThan: Int64?
    /// Bytes.
    var longerThan: Int?

    func drops(_ state: borrowing EntryState, timestamp: Int64, now: Int64, _ joined: ByteArena) -> Bool {
        if let longerThan, Int(state.line.count) <= longerThan { return false }
        if let olderThan {
            let (age, overflow) = now.subtractingReportingOverflow(timestamp)
            if overflow || age <= olderThan { return false }
        }
        if sources.isEmpty {
            if let regex, !regex.matches(state.view(state.line)) { return false }
            return true
        }
        // JSON's null is present, though it has no text.
        for slot in sources where state.slots[slot].kind == .absent { return false }
        if value == nil, regex == nil { return true }
        if sources.count == 1 {
            guard let text = state.text(sources[0]) else { return false }
            return holds(text)
        }
        joined.reset()
        for (i, slot) in sources.enumerated() {
            guard let text = state.text(slot) else { return false }
            if i > 0 { joined.append(separator) }
            joined.append(text)
        }
        return holds(joined.view)
    }

    private func holds(_ text: ByteView) -> Bool {
        if let value { return value == text }
        return regex?.matches(text) ?? true
    }
}
