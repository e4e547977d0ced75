import Bytes
import LogModel

/// `| logfmt [--strict] [--keep-empty]`: every pair becomes a label; the first of equal names stays.
///
/// Not strict, a faulty token is skipped; strict, it ends the line and sets `LogfmtParserErr`. Pairs without a value are
/// left out unless `keepEmpty`.
package struct LogfmtParser: Sendable {
    private let isStrict: Bool
    private let keepEmpty: Bool

    package init(strict: Bool = false, keepEmpty: Bool = false) {
        isStrict = strict
        self.keepEmpty = keepEmpty
    }

    func process(_ state: inout LineState) -> Bool {
        if state.isSatisfied { return true }
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
                if pair.value.isEmpty, !keepEmpty { continue }
                extract(pair, &state)
                if state.isDone { return !state.isRejected }
            }
        }
    }

    private func extract(_ pair: LogfmtScanner.Pair, _ state: inout LineState) {
        let admission: LineState.Admission
        let key = state.line[pair.key]
        if state.hints.limits, !state.hints.mayCollide, JSONName.surelyRefused(key, state.hints) { return }
        if LabelSanitizer.isClean(key) {
            admission = state.admit(key)
        } else {
            state.nameBuffer.reset()
            LabelSanitizer.append(key, to: state.nameBuffer, leading: true)
            if state.nameBuffer.isEmpty { return }
            admission = state.admit(state.nameBuffer.view)
        }
        guard case .granted(let slot) = admission else { return }
        state.setParsed(slot, LogfmtValue.piece(pair, &state))
    }
}

/// Values of logfmt pairs.
enum LogfmtValue {
    /// Whether the inside of a quoted value has sound escapes only. Go's decoder accepts `\'` beside JSON's.
    static func isSound(_ raw: ByteView) -> Bool {
        var i = 0
        while i < raw.count {
            guard raw[i] == 0x5C else {
                i += 1
                continue
            }
            guard i + 1 < raw.count else { return false }
            switch raw[i + 1] {
            case 0x22, 0x5C, 0x2F, 0x27, 0x62, 0x66, 0x6E, 0x72, 0x74: i += 2
            case 0x75:
                guard i + 6 <= raw.count else { return false }
                for k in 2..<6 where !raw[i + k].isHexDigit { return false }
                i += 6
            default: return false
            }
        }
        return true
    }

    /// The value: a slice of the line, or a decoded copy.
    static func piece(_ pair: LogfmtScanner.Pair, _ state: inout LineState) -> LineState.Piece {
        let raw = state.line[pair.value]
        if !pair.isEscaped, LabelValueText.isClean(raw) { return state.linePiece(pair.value) }
        state.scratch.reset()
        if pair.isEscaped {
            if raw.firstRange(of: ByteView("\\'")) != nil {
                // JSON has no `\'`: drop its backslash, minding `\\'`.
                state.nameBuffer.reset()
                var i = 0
                while i < raw.count {
                    if raw[i] == 0x5C, i + 1 < raw.count {
                        if raw[i + 1] != 0x27 { state.nameBuffer.append(raw[i]) }
                        state.nameBuffer.append(raw[i + 1])
                        i += 2
                    } else {
                        state.nameBuffer.append(raw[i])
                        i += 1
                    }
                }
                JSONText.unescape(state.nameBuffer.view, into: state.scratch)
            } else {
                JSONText.unescape(raw, into: state.scratch)
            }
        } else {
            state.scratch.append(raw)
        }
        if !LabelValueText.isClean(state.scratch.view) { return state.store(cleaned: state.scratch.view) }
        return state.store(state.scratch.view)
    }
}
