import Bytes

/// Label filters, with Loki's way of binding them.
///
/// `and` binds tighter than `or`, both to the left. A comma, or nothing at all between two conditions, means `and` too,
/// but has no rank in Loki's grammar, so that its parser never reduces around it: such an `and` takes all that follows
/// as its right side. `a or b, c` is `a or (b and c)`, `a, b or c` is `a and (b or c)`.
extension Parser {
    mutating func labelFilter() throws(LogQLError) -> LogQL.LabelFilter { try chain().filter }

    /// What may stand between two conditions.
    private enum Joint {
        case and, or
        /// A comma or nothing.
        case loose

        var isAnd: Bool { self != .or }
    }

    /// Iterative, with explicit stacks: a chain may have thousands of parts.
    private mutating func chain() throws(LogQLError) -> FilterDraft {
        var operands = [try operand()]
        var joints: [Joint] = []
        while let joint = try joint() {
            while let top = joints.last, Parser.reduces(top, before: joint) {
                joints.removeLast()
                try reduce(&operands, by: top)
            }
            joints.append(joint)
            operands.append(try operand())
        }
        while let last = joints.last {
            // A run of joints of one kind nests to the right; it is folded in one go to stay linear.
            var run = 0
            while let next = joints.last, next.isAnd == last.isAnd {
                joints.removeLast()
                run += 1
            }
            var right = operands.removeLast()
            var before: [LogQL.LabelFilter] = []
            for _ in 0..<run {
                var left = operands.removeLast()
                let kind: FilterDraft.Kind = last.isAnd ? .and : .or
                if left.kind != kind || left.nesting == .right, right.extendsRight(kind) {
                    right.nesting = .right
                    right.height = max(right.height, left.height + 1)
                    before.append(left.filter)
                    continue
                }
                right.prepend(reversed: before)
                before = []
                left.join(right, kind)
                try checkHeight(left.height)
                right = left
            }
            right.prepend(reversed: before)
            operands.append(right)
        }
        return operands[0]
    }

    private static func reduces(_ top: Joint, before next: Joint) -> Bool {
        switch (top, next) {
        case (.loose, _), (_, .loose): false
        case (.and, _): true
        case (.or, .or): true
        case (.or, .and): false
        }
    }

    private func reduce(_ operands: inout [FilterDraft], by joint: Joint) throws(LogQLError) {
        let right = operands.removeLast()
        operands[operands.count - 1].join(right, joint.isAnd ? .and : .or)
        try checkHeight(operands[operands.count - 1].height)
    }

    private mutating func joint() throws(LogQLError) -> Joint? {
        switch token {
        case .keyword(.and):
            try advance()
            return .and
        case .keyword(.or):
            try advance()
            return .or
        case .symbol(.comma):
            try advance()
            return .loose
        case .identifier, .symbol(.openParenthesis): return .loose
        default: return nil
        }
    }

    private mutating func operand() throws(LogQLError) -> FilterDraft {
        guard token == .symbol(.openParenthesis) else { return FilterDraft(try labelCondition()) }
        try advance()
        let inner = try nested { (parser) throws(LogQLError) in try parser.chain() }
        // Here the generated parser could shift six tokens: too many to list.
        try expect(.closeParenthesis, [])
        return inner
    }
}

/// A label filter under construction: chains stay open at the end, so that adding a part does not copy the others.
struct FilterDraft {
    enum Kind { case single, and, or }

    var kind: Kind
    var parts: [LogQL.LabelFilter]
    var nesting: LogQL.LabelFilter.Nesting
    /// Of the tree that this will be.
    var height: Int

    init(_ filter: LogQL.LabelFilter) {
        kind = .single
        parts = [filter]
        nesting = .left
        height = 0
    }

    var filter: LogQL.LabelFilter {
        switch kind {
        case .single: parts[0]
        case .and: .and(parts, nesting)
        case .or: .or(parts, nesting)
        }
    }

    /// Whether something can be put in front of it without another level.
    func extendsRight(_ kind: Kind) -> Bool { self.kind == kind && (nesting == .right || parts.count == 2) }

    /// Makes this `self kind right`.
    mutating func join(_ right: FilterDraft, _ kind: Kind) {
        if self.kind == kind, nesting == .left {
            parts.append(right.filter)
            height = max(height, right.height + 1)
        } else if right.extendsRight(kind) {
            let first = filter
            parts = [first] + right.parts
            height = max(height + 1, right.height)
            nesting = .right
            self.kind = kind
        } else {
            parts = [filter, right.filter]
            height = max(height, right.height) + 1
            nesting = .left
            self.kind = kind
        }
    }

    mutating func prepend(reversed before: [LogQL.LabelFilter]) {
        if !before.isEmpty { parts = before.reversed() + parts }
    }
}
