import Bytes
import LogModel

extension LogQL.Stage: CustomStringConvertible {
    /// As Loki prints it, in error messages too: `| json x="a.b"`, `|= "text"`.
    package var description: String {
        if case .labelFilter(let filter) = self { return text(.fitting(filter.nesting)) }
        return text(.paired)
    }

    func text(_ form: LogQL.Form) -> String {
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
        case .labelFilter(let filter): "| " + filter.text(form)
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
