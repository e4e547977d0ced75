/// Why a stage cannot be built. The message is Loki's, where Loki has one: it reaches the user behind
/// `parse error : stage '…' : `.
package struct StageError: Error, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}

/// What went wrong with one line: the value of `__error__`.
package enum LineFault: Sendable, CaseIterable {
    case json, logfmt, template, labelFilter, sampleExtraction

    package var text: StaticString {
        switch self {
        case .json: "JSONParserErr"
        case .logfmt: "LogfmtParserErr"
        case .template: "TemplateFormatErr"
        case .labelFilter: "LabelFilterErr"
        case .sampleExtraction: "SampleExtractionErr"
        }
    }
}
