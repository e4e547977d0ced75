import Bytes

// Names whose values are left alone (`except`), or hold numbers that machines made up (`identifiers`).
extension Redactor {
    func isException(_ name: ByteView) -> Bool {
        guard !name.isEmpty else { return false }
        for other in exceptions where other == name { return true }
        return false
    }

    /// Whether `name` is one of `identifiers`, in any case and with any joints (`traceId`, `X-Request-ID`), or ends with
    /// one behind a joint (`dd.trace_id`).
    func isIdentifier(_ name: ByteView) -> Bool {
        for identifier in identifiers where endsWith(name, identifier) { return true }
        return false
    }

    private func endsWith(_ name: ByteView, _ identifier: ByteString) -> Bool {
        identifier.withView { wanted in
            var i = name.count
            var left = wanted.count
            while left > 0 {
                guard i > 0 else { return false }
                i -= 1
                guard name[i].isAlphanumeric else { continue }
                left -= 1
                guard name[i].lowercased == wanted[left] else { return false }
            }
            guard !wanted.isEmpty, i > 0 else { return !wanted.isEmpty }
            return !name[i - 1].isAlphanumeric || (name[i] &- 0x41 < 26 && name[i - 1] &- 0x61 < 26)
        }
    }

    /// The letters and digits of a name, in lower case.
    static func folded(_ name: String) -> ByteString {
        ByteString(Array(name.utf8).filter(\.isAlphanumeric).map(\.lowercased))
    }

    /// Takes back what was found in text under a name that is left alone: `span_id=4111111111111111`, and whatever
    /// stands behind a name of `except`. O(n) for each of those.
    func spare(_ subject: Subject, _ scratch: RedactionScratch) {
        guard !scratch.findings.isEmpty else { return }
        let text = subject.text
        if !identifiers.isEmpty {
            scratch.findings.removeAll { $0.detector?.isNumber == true && isIdentifier(nameBefore(text, $0.range.lowerBound)) }
        }
        for exception in exceptions where !scratch.findings.isEmpty {
            exception.withView { name in
                var from = 0
                while let start = text.firstRange(of: name, from: from) {
                    let end = start + name.count
                    from = end
                    let before = text.at(start - 1)
                    guard !before.isAlphanumeric, before != UInt8(ascii: "_"), before != UInt8(ascii: "-"),
                        let value = SecretDetector.Value(subject, name: start..<end), !value.isPaired
                    else { continue }
                    from = max(end, value.end)
                    scratch.findings.removeAll {
                        $0.range.lowerBound >= value.start && $0.range.upperBound <= value.end
                    }
                }
            }
        }
    }

    /// The name in front of a value: `name=value`, `name: value`, `"name": "value"`; else empty.
    private func nameBefore(_ text: ByteView, _ start: Int) -> ByteView {
        var i = start - 1
        func skipQuote() { if text.at(i) == UInt8(ascii: "\"") || text.at(i) == UInt8(ascii: "'") { i -= 1 } }
        func skipBlank() { if text.at(i) == 0x20 { i -= 1 } }
        skipQuote()
        skipBlank()
        guard text.at(i) == UInt8(ascii: "=") || text.at(i) == UInt8(ascii: ":") else { return ByteView() }
        i -= 1
        skipBlank()
        skipQuote()
        let end = i + 1
        guard end > 0 else { return ByteView() }
        let name = text.runStart(of: [.alphanumeric, .underscore, .dash, .dot], before: end, limit: SecretKey.nameMax)
        return text[name..<end]
    }
}
