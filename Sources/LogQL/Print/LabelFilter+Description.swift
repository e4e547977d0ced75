import Bytes
import LogModel

extension LogQL.LabelFilter: CustomStringConvertible {
    package var description: String { text(.fitting(nesting)) }

    /// Paired: a comma for `and`, `( a="1" , ( b>2 or c=ip("10.0.0.0/8") ) )`. Flat: `a="1" , b>2 or c=ip("10.0.0.0/8")`.
    func text(_ form: LogQL.Form) -> String {
        switch (self, form) {
        case (.and(let parts, let nesting), .paired): Self.pairs(parts, " , ", nesting)
        case (.or(let parts, let nesting), .paired): Self.pairs(parts, " or ", nesting)
        case (.and, .flat), (.or, .flat): flat(isLast: true)
        case (.string(let name, let op, let value), _): "\(LogQL.name(name))\(op.rawValue)\(LogQL.quote(value))"
        // The language reads `-0` as a duration: zero has no sign.
        case (.number(let name, let comparison, let value), _):
            "\(LogQL.name(name))\(comparison.rawValue)\(GoNumber.plain(value == 0 ? 0 : value))"
        case (.duration(let name, let comparison, let value), _):
            "\(LogQL.name(name))\(comparison.rawValue)\(LogQL.goDuration(value))"
        case (.bytes(let name, let comparison, let value), _):
            "\(LogQL.name(name))\(comparison.rawValue)\(LogQL.size(value))"
        case (.ip(let name, let negated, let value), _): "\(LogQL.name(name))\(negated ? "!=" : "=")ip(\(LogQL.quote(value)))"
        case (.any(let name, let op, let value), _): "\(LogQL.name(name))\(op.rawValue)any(\(LogQL.quote(value)))"
        }
    }

    private static func pairs(_ parts: [Self], _ joint: String, _ nesting: Nesting) -> String {
        let texts = parts.map { $0.text(.paired) }
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

    // MARK: Without parentheses

    /// `isLast`: nothing follows within the parentheses around it (or in the stage). There a comma may stand for `and`:
    /// it takes all that follows as its right side, whatever that is.
    private func flat(isLast: Bool) -> String {
        switch self {
        case .or(let parts, .left):
            return parts.indices.map { parts[$0].inOr(isLast: isLast && $0 == parts.count - 1) }
                .joined(separator: " or ")
        case .or(let parts, .right):
            // `or` binds to the left: here each pair needs its parentheses, but for the outermost.
            let opening = parts.dropLast().map { $0.inOr(isLast: false) }.joined(separator: " or (")
            let closing = String(repeating: ")", count: max(0, parts.count - 2))
            return opening + " or " + (parts.last?.inOr(isLast: isLast || parts.count > 2) ?? "") + closing
        case .and(let parts, .left) where !isLast || parts.count > 2:
            return parts.map(\.closed).joined(separator: " and ")
        case .and(let parts, _):
            let before = parts.dropLast().map { $0.closed + " , " }.joined()
            guard let last = parts.last else { return before }
            if case .or = last { return before + last.flat(isLast: true) }
            return before + last.closed
        default: return text(.flat)
        }
    }

    /// As part of an `or`.
    private func inOr(isLast: Bool) -> String {
        switch self {
        case .or: closed
        case .and(_, .right) where !isLast: closed
        case .and: flat(isLast: isLast)
        default: text(.flat)
        }
    }

    /// In parentheses, if it is a chain.
    private var closed: String {
        switch self {
        case .and, .or: "(\(flat(isLast: true)))"
        default: text(.flat)
        }
    }
}
