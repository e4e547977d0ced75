import Bytes

/// A Go `text/template`, parsed.
package struct Template: Sendable {
    init(_ text: String, name: String) throws(StageError) { _ = (text, name) }
    var onlyField: LabelName? { nil }
    var requiredLabels: [ByteString]? { nil }
    func execute(_ state: inout LineState, snapshot: TemplateSnapshot?) -> String? { nil }
}
struct TemplateSnapshot {
    init(_ state: borrowing LineState) {}
}
struct TemplateMemory {}
