import Bytes
import LogModel

/// A value of the template language, with the Go types that its users can tell apart.
package indirect enum TemplateValue: Sendable {
    /// No value: an absent key of decoded JSON, or an untyped nil.
    case none
    case bool(Bool)
    case int(Int64)
    case int64(Int64)
    case byte(UInt8)
    case float(Double)
    case text(ByteString)
    case list([TemplateValue])
    /// `map[string]interface {}`, keys sorted.
    case map([(key: ByteString, value: TemplateValue)])
    /// `map[string]string`: the labels of the line, looked up on demand.
    case labels
    case time(GoInstant)
    /// Nanoseconds.
    case duration(Int64)
    /// A number that prints as a name: a month, a weekday.
    case named(Int64, String, type: String)

    package init(_ text: String) { self = .text(ByteString(text)) }

    /// Go's name of the type.
    var typeName: String {
        switch self {
        case .none: "<nil>"
        case .bool: "bool"
        case .int: "int"
        case .int64: "int64"
        case .byte: "uint8"
        case .float: "float64"
        case .text: "string"
        case .list: "[]interface {}"
        case .map: "map[string]interface {}"
        case .labels: "map[string]string"
        case .time: "time.Time"
        case .duration: "time.Duration"
        case .named(_, _, let type): type
        }
    }

    /// The truth of `if`: not empty, not zero.
    func isTrue(_ labelCount: Int) -> Bool {
        switch self {
        case .none: false
        case .bool(let value): value
        case .int(let value), .int64(let value), .duration(let value), .named(let value, _, _): value != 0
        case .byte(let value): value != 0
        case .float(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let items): !items.isEmpty
        case .map(let pairs): !pairs.isEmpty
        case .labels: labelCount > 0
        case .time: true
        }
    }

    var integer: Int64? {
        switch self {
        case .int(let value), .int64(let value), .duration(let value), .named(let value, _, _): value
        case .byte(let value): Int64(value)
        default: nil
        }
    }
}

/// The data behind the dot of a template when it is not a line's labels: what the collector's `template` stage has.
package struct TemplateSnapshot {
    /// Names and values, sorted by name.
    let pairs: [Label]

    /// All labels of a line, or those of `names`, which must be sorted.
    init(_ state: borrowing LineState, only names: [LabelName]? = nil) {
        pairs = names.map { state.visibleLabels($0) } ?? state.labels().pairs
    }

    package init(_ labels: Labels) { pairs = labels.pairs }

    func value(_ name: ByteView) -> ByteString? {
        var low = 0
        var high = pairs.count
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].name == name { return pairs[middle].value }
            if pairs[middle].name.withView({ $0 < name }) { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
