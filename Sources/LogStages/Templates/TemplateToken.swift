/// A token of a template. `start` counts bytes from the beginning of the text, `line` from 1.
struct TemplateToken {
    enum Kind {
        case error, bool, char, charConstant, assign, declare, end, field, identifier, leftDelimiter, leftParen
        case number, pipe, rawString, rightDelimiter, rightParen, space, string, text, variable, comment
        // Keywords.
        case block, breakLoop, continueLoop, dot, define, elseBranch, endBlock, ifBlock, nilValue, range, template, with

        var isKeyword: Bool {
            switch self {
            case .block, .breakLoop, .continueLoop, .dot, .define, .elseBranch, .endBlock, .ifBlock, .nilValue, .range,
                .template, .with:
                true
            default: false
            }
        }
    }

    var kind: Kind
    var start: Int
    var text: String
    var line: Int

    /// As error messages show it: shortened and quoted.
    var description: String {
        switch kind {
        case .end: return "EOF"
        case .error: return text
        case _ where kind.isKeyword: return "<\(text)>"
        default:
            if text.unicodeScalars.count > 10 {
                var head = ""
                head.unicodeScalars.append(contentsOf: text.unicodeScalars.prefix(10))
                return GoText.quote(head) + "..."
            }
            return GoText.quote(text)
        }
    }

    static let keywords: [String: Kind] = [
        ".": .dot, "block": .block, "break": .breakLoop, "continue": .continueLoop, "define": .define,
        "else": .elseBranch, "end": .endBlock, "if": .ifBlock, "range": .range, "nil": .nilValue,
        "template": .template, "with": .with,
    ]
}
