import Bytes
import LogModel

/// `label_replace(v, dst, replacement, src, regex)`.
struct LabelReplace {
    private let destination: ByteString
    private let source: ByteString
    private let regex: CompiledRegex
    private let parts: [Part]

    private enum Part {
        case text(ByteString)
        case group(Int)
    }

    /// The regex is anchored at both ends.
    init(destination: ByteString, replacement: String, source: ByteString, regex: String) throws(RegexError) {
        self.destination = destination
        self.source = source
        let compiled = try CompiledRegex("^(?:\(regex))$")
        self.regex = compiled
        parts = Self.parse(replacement, compiled)
    }

    /// Sets the label where the source matches; an empty value removes it. Two series may end up with the same labels.
    func apply(to input: [StepSeries]) -> [StepSeries] {
        var groups: [Range<Int>?] = []
        var result = input
        for i in result.indices {
            let value = result[i].labels[source] ?? ByteString()
            let replaced: ByteString? = value.withView { text in
                guard regex.firstMatch(in: text, groups: &groups) else { return nil }
                var out: [UInt8] = []
                for part in parts {
                    switch part {
                    case .text(let text): out += text.bytes
                    case .group(let number):
                        if number < groups.count, let range = groups[number] { out += text[range].copy() }
                    }
                }
                return ByteString(out)
            }
            if let replaced { result[i].labels[destination] = replaced.isEmpty ? nil : replaced }
        }
        return result
    }

    /// Go's `Regexp.Expand`: `$1`, `${1}`, `$name`, `${name}`, `$$`; the longest run of letters, digits and `_` is the
    /// name; an unknown one stands for nothing.
    private static func parse(_ text: String, _ regex: CompiledRegex) -> [Part] {
        let bytes = Array(text.utf8)
        var parts: [Part] = []
        var literal: [UInt8] = []
        func group(_ name: ArraySlice<UInt8>) -> Part {
            let name = String(decoding: name, as: UTF8.self)
            if let number = Int(name) { return number <= regex.groupCount ? .group(number) : .text(ByteString()) }
            if let at = regex.groupNames.firstIndex(where: { $0 == name }) { return .group(at + 1) }
            return .text(ByteString())
        }
        var i = 0
        while i < bytes.count {
            guard bytes[i] == UInt8(ascii: "$"), i + 1 < bytes.count else {
                literal.append(bytes[i])
                i += 1
                continue
            }
            if bytes[i + 1] == UInt8(ascii: "$") {
                literal.append(UInt8(ascii: "$"))
                i += 2
                continue
            }
            let isBraced = bytes[i + 1] == UInt8(ascii: "{")
            let start = isBraced ? i + 2 : i + 1
            var end = start
            while end < bytes.count, bytes[end].isAlphanumeric || bytes[end] == UInt8(ascii: "_") { end += 1 }
            let isClosed = !isBraced || (end < bytes.count && bytes[end] == UInt8(ascii: "}"))
            if end == start || !isClosed {
                // Malformed: the dollar stands for itself.
                literal.append(bytes[i])
                i += 1
                continue
            }
            if !literal.isEmpty { parts.append(.text(ByteString(literal))) }
            literal = []
            parts.append(group(bytes[start..<end]))
            i = isBraced ? end + 1 : end
        }
        if !literal.isEmpty { parts.append(.text(ByteString(literal))) }
        return parts
    }
}
