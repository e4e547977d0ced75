import Bytes

/// `| logfmt a, b="key"`: the listed keys only. Each label is there afterwards, empty where its key is not in the line.
/// Of equal keys the last one counts.
package struct LogfmtExpressionParser: Sendable {
    private struct Target: Sendable {
        var label: LabelName
        var suffixed: LabelName
        var key: ByteString
    }

    private let targets: [Target]
    private let isStrict: Bool

    /// Throws `cannot parse expression […]: …` for a path that is no plain key.
    package init(_ expressions: [FieldExpression], strict: Bool = false) throws(StageError) {
        var targets: [Target] = []
        for expression in expressions {
            try Self.check(expression.path)
            targets.append(
                Target(
                    label: LabelName(expression.label),
                    suffixed: LabelName(ByteString(expression.label.bytes + Array("_extracted".utf8))),
                    key: expression.path
                )
            )
        }
        self.targets = targets
        isStrict = strict
    }

    private static func check(_ path: ByteString) throws(StageError) {
        func fault(_ what: String) -> StageError {
            StageError("cannot parse expression [\(path)]: syntax error: unexpected \(what), expecting STRING or KEY")
        }
        guard let first = path.bytes.first, first.isLetter || first == 0x5F else { throw fault("$end") }
        for c in path.bytes where !(c.isAlphanumeric || c == 0x5F || c == 0x2E || c == 0x2D || c == 0x2F) {
            throw StageError("cannot parse expression [\(path)]: unexpected char \(Character(Unicode.Scalar(c)))")
        }
    }

    package var labels: [ByteString] { targets.map(\.label.bytes) }

    func process(_ state: inout LineState) -> Bool {
        if state.isSatisfied { return true }
        // An empty line gets its labels too.
        for target in targets where !state.baseHas(target.label) && state.value(target.label) == nil {
            state.set(target.label, ByteView())
        }
        var scanner = LogfmtScanner(state.line)
        while true {
            switch scanner.next() {
            case .end: return true
            case .fault(let fault):
                if isStrict {
                    state.fail(.logfmt, fault.message)
                    return true
                }
                scanner.recover()
            case .pair(let pair):
                if pair.isEscaped, !LogfmtValue.isSound(state.line[pair.value]) {
                    if isStrict {
                        state.fail(.logfmt, LogfmtScanner.Fault.invalidQuoted(at: scanner.at - 1).message)
                        return true
                    }
                    scanner.recover()
                    continue
                }
                extract(pair, &state)
            }
        }
    }

    private func extract(_ pair: LogfmtScanner.Pair, _ state: inout LineState) {
        for target in targets {
            // A key equal to the target's name is taken too, whatever the expression says: Loki's way.
            let key = state.line[pair.key]
            guard target.key == key || target.label.bytes == key else { continue }
            let value: LineState.Piece
            if LabelValueText.isClean(state.line[pair.value]) {
                value = LogfmtValue.piece(pair, &state)
            } else {
                value = state.piece(state.line[pair.value.lowerBound..<pair.value.lowerBound])
            }
            state.set(state.baseHas(target.label) ? target.suffixed : target.label, value)
            return
        }
    }
}
