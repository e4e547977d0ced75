import Bytes

/// Promtail's `logfmt` stage: wanted keys of a logfmt line into the extracted map. What stands before a syntax error
/// counts; a key without a value is the empty text.
package struct LogfmtExtraction: Sendable {
    private struct Target: Sendable {
        var key: ByteString
        var slot: Int
    }

    private var targets: [Target] = []
    private let source: Int?

    /// One key of the line feeds one name: of several with the same key the last one.
    package init(_ targets: [(key: ByteString, slot: Int)], source: Int?) {
        self.source = source
        for target in targets {
            self.targets.removeAll { $0.key == target.key }
            self.targets.append(Target(key: target.key, slot: target.slot))
        }
    }

    package func run(_ state: inout EntryState) {
        guard let origin = state.source(source) else { return }
        let text = state.stableView(origin)
        var scanner = LogfmtScanner(text)
        while case .pair(let pair) = scanner.next() {
            let key = text[pair.key]
            for target in targets where target.key == key {
                var value = origin.part(pair.value)
                if pair.isEscaped {
                    let start = state.scratch.count
                    guard JSONText.unescape(text[pair.value], into: state.scratch) else { return }
                    value = state.stored(since: start)
                }
                state.slots[target.slot] = ExtractedValue(.text, value)
            }
        }
    }
}
