import Bytes
import LogModel

extension LogQL.Stage: CustomStringConvertible {
    /// As Loki prints it, in error messages too: `| json x="a.b"`, `|= "text"`.
    package var description: String {
        switch self {
        case .lineFilter(let filter): filter.description
        case .json(let list): "| json" + LogQL.print(list)
        case .logfmt(let flags, let list):
            "| logfmt" + (flags.strict ? " --strict" : "") + (flags.keepEmpty ? " --keep-empty" : "")
                + LogQL.print(list)
        case .regexp(let pattern): "| regexp \(GoQuote.quote(pattern))"
        case .pattern(let pattern): "| pattern \(GoQuote.quote(pattern))"
        case .unpack: "| unpack"
        case .lineFormat(let template): "| line_format \(GoQuote.quote(template))"
        case .labelFormat(let formats): "| label_format " + formats.map(\.description).joined(separator: ",")
        case .labelFilter(let filter): "| \(filter)"
        case .decolorize: "| decolorize"
        case .drop(let choices): "| drop " + choices.map(\.description).joined(separator: ",")
        case .keep(let choices): "| keep " + choices.map(\.description).joined(separator: ",")
        }
    }
}

extension LogQL {
    fileprivate static func print(_ list: [Extraction]) -> String {
        list.isEmpty
            ? "" : " " + list.map { "\(name($0.label))=\(GoQuote.quote($0.expression))" }.joined(separator: ",")
    }
}

extension LogQL.LineFilter: CustomStringConvertible {
    package var description: String { "\(op.rawValue) " + values.map(\.description).joined(separator: " or ") }
}

extension LogQL.LineFilter.Value: CustomStringConvertible {
    package var description: String {
        switch self {
        case .text(let text): LogQL.quote(text)
        case .ip(let text): "ip(\(LogQL.quote(text)))"
        }
    }
}

extension LogQL.LabelFormat: CustomStringConvertible {
    package var description: String {
        switch self {
        case .rename(let to, let from): "\(LogQL.name(to))=\(from)"
        case .template(let to, let template): "\(LogQL.name(to))=\(GoQuote.quote(template))"
        }
    }
}

extension LogQL.LabelChoice: CustomStringConvertible {
    package var description: String {
        switch self {
        case .name(let name): name.string
        case .matching(let matcher): LogQL.print(matcher)
        }
    }
}

extension LogQL.LabelFilter: CustomStringConvertible {
    /// Pairs in parentheses, a comma for `and`: `( a="1" , ( b>2 or c=ip("10.0.0.0/8") ) )`.
    package var description: String {
        switch self {
        case .and(let parts, let nesting): LabelFilter.chain(parts, " , ", nesting)
        case .or(let parts, let nesting): LabelFilter.chain(parts, " or ", nesting)
        case .string(let name, let op, let value): "\(LogQL.name(name))\(op.rawValue)\(LogQL.quote(value))"
        // The language reads `-0` as a duration: zero has no sign.
        case .number(let name, let comparison, let value):
            "\(LogQL.name(name))\(comparison.rawValue)\(GoNumber.plain(value == 0 ? 0 : value))"
        case .duration(let name, let comparison, let value):
            "\(LogQL.name(name))\(comparison.rawValue)\(LogQL.goDuration(value))"
        case .bytes(let name, let comparison, let value): "\(LogQL.name(name))\(comparison.rawValue)\(LogQL.size(value))"
        case .ip(let name, let negated, let value): "\(LogQL.name(name))\(negated ? "!=" : "=")ip(\(LogQL.quote(value)))"
        case .any(let name, let op, let value): "\(LogQL.name(name))\(op.rawValue)any(\(LogQL.quote(value)))"
        }
    }

    private typealias LabelFilter = LogQL.LabelFilter

    private static func chain(_ parts: [LogQL.LabelFilter], _ joint: String, _ nesting: Nesting) -> String {
        let texts = parts.map(\.description)
        guard let first = texts.first, let last = texts.last, texts.count > 1 else { return texts.first ?? "" }
        let pairs = texts.count - 1
        switch nesting {
        case .left:
            return String(repeating: "( ", count: pairs) + first
                + texts.dropFirst().map { "\(joint)\($0) )" }.joined()
        case .right:
            return texts.dropLast().map { "( \($0)\(joint)" }.joined() + last + String(repeating: " )", count: pairs)
        }
    }
}
