import Bytes

/// Replacement templates of Go's `regexp.Expand`: `$1`, `${1}`, `${name}`, `$$`. A name is as long as it can be, so
/// `$1abc` is the group named `1abc`; groups that do not exist are empty; a `$` that begins nothing stands for itself.
struct GoTemplate: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        case group(Int)
    }

    private let parts: [Part]
    /// Whether it refers to any group, existing or not.
    let hasVariables: Bool

    init(_ template: String, for regex: CompiledRegex) {
        let bytes = Array(template.utf8)
        var parts: [Part] = []
        var text: [UInt8] = []
        var variables = false
        var i = 0
        while i < bytes.count {
            guard bytes[i] == UInt8(ascii: "$") else {
                text.append(bytes[i])
                i += 1
                continue
            }
            if i + 1 < bytes.count, bytes[i + 1] == UInt8(ascii: "$") {
                text.append(UInt8(ascii: "$"))
                i += 2
                continue
            }
            let braced = i + 1 < bytes.count && bytes[i + 1] == UInt8(ascii: "{")
            let start = i + (braced ? 2 : 1)
            var end = start
            while end < bytes.count, bytes[end].isAlphanumeric || bytes[end] == UInt8(ascii: "_") { end += 1 }
            if end == start || (braced && (end >= bytes.count || bytes[end] != UInt8(ascii: "}"))) {
                text.append(UInt8(ascii: "$"))
                i += 1
                continue
            }
            variables = true
            let name = String(decoding: bytes[start..<end], as: UTF8.self)
            i = braced ? end + 1 : end
            guard let group = Self.group(name, regex) else { continue }
            if !text.isEmpty { parts.append(.text(text)) }
            text = []
            parts.append(.group(group))
        }
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
        hasVariables = variables
    }

    private static func group(_ name: String, _ regex: CompiledRegex) -> Int? {
        if name.utf8.allSatisfy(\.isDigit) {
            guard name == "0" || !name.hasPrefix("0"), let number = Int(name), number <= regex.groupCount else { return nil }
            return number
        }
        return regex.groupNames.firstIndex { $0 == name }.map { $0 + 1 }
    }

    func expand(_ text: ByteView, _ groups: [Range<Int>?]) -> ByteString {
        var out: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let bytes): out.append(contentsOf: bytes)
            case .group(let group):
                if group < groups.count, let range = groups[group] { out.append(contentsOf: text[range].copy()) }
            }
        }
        return ByteString(out)
    }
}
