import Bytes
import LogStages

/// A Go template over the extracted map, as Promtail's `template` and `replace` run it: every value as text, `.Value`
/// the text worked on, `.Entry` the line (in `template` only). A key that is missing prints `<no value>`.
final class TemplateOperation: Sendable {
    let template: Template
    /// Names that the template may read, sorted.
    let fields: [Field]

    struct Field: Sendable {
        var name: ByteString
        var slot: Int
    }

    init(_ template: Template, fields: [Field]) {
        self.template = template
        self.fields = fields.sorted { $0.name < $1.name }
    }

    /// Appends the output to `out`, which must not be the entry's scratch; false, and nothing appended, when the
    /// template fails.
    func run(_ state: borrowing EntryState, value: ByteView?, withEntry: Bool, into out: ByteArena) -> Bool {
        var pairs: [(key: ByteString, value: TemplateValue)] = []
        pairs.reserveCapacity(fields.count + 2)
        for field in fields where field.name != "Value" && (field.name != "Entry" || !withEntry) {
            if let text = state.text(field.slot) { pairs.append((field.name, .text(ByteString(text)))) }
        }
        if let value { pairs.append(("Value", .text(ByteString(value)))) }
        if withEntry { pairs.append(("Entry", .text(ByteString(state.view(state.line))))) }
        pairs.sort { $0.key < $1.key }
        return template.execute(.map(pairs), into: out) == nil
    }
}
