import Bytes

/// `ReplaceAll` and counting as Go's `regexp` does them, on RE2.
enum GoRegex {
    /// Replaces every match. With `expands`, `$1`, `${1}`, `$name` and `$$` in `replacement` are filled in.
    static func replaceAll(
        _ regex: CompiledRegex,
        _ text: ByteString,
        _ replacement: ByteString,
        expands: Bool
    ) throws(TemplateFailure) -> ByteString {
        let out = ByteArena(capacity: text.count + 64)
        var groups: [Range<Int>?] = []
        try text.withView { (view) throws(TemplateFailure) in
            var copied = 0
            var search = 0
            while search <= view.count, regex.firstMatch(in: view, from: search, groups: &groups),
                let match = groups.first ?? nil
            {
                out.append(view[copied..<match.lowerBound])
                // No empty match right behind another one.
                if match.upperBound > copied || match.lowerBound == 0 {
                    if expands { expand(replacement, regex, groups, view, out) } else { out.append(replacement) }
                }
                copied = match.upperBound
                if out.count > GoStrings.lengthMax {
                    throw TemplateFailure("result exceeds \(GoStrings.lengthMax) bytes")
                }
                let width = search < view.count ? max(1, UTF8Length.at(view, search)) : 1
                search = max(search + width > match.upperBound ? search + width : match.upperBound, search + 1)
                if match.upperBound > search { search = match.upperBound }
            }
            out.append(view.suffix(from: min(copied, view.count)))
        }
        return ByteString(out.view)
    }

    private static func expand(
        _ template: ByteString,
        _ regex: CompiledRegex,
        _ groups: [Range<Int>?],
        _ text: ByteView,
        _ out: ByteArena
    ) {
        let bytes = template.bytes
        var i = 0
        // Each `$0` may be the whole text; the caller refuses what is too long.
        while i < bytes.count, out.count <= GoStrings.lengthMax {
            guard bytes[i] == 0x24, i + 1 < bytes.count else {
                out.append(bytes[i])
                i += 1
                continue
            }
            if bytes[i + 1] == 0x24 {
                out.append(0x24 as UInt8)
                i += 2
                continue
            }
            let isBraced = bytes[i + 1] == 0x7B
            var end = i + (isBraced ? 2 : 1)
            let start = end
            while end < bytes.count, bytes[end].isAlphanumeric || bytes[end] == 0x5F { end += 1 }
            guard end > start, !isBraced || (end < bytes.count && bytes[end] == 0x7D) else {
                // Malformed: the dollar stands for itself.
                out.append(0x24 as UInt8)
                i += 1
                continue
            }
            let name = String(decoding: bytes[start..<end], as: UTF8.self)
            i = end + (isBraced ? 1 : 0)
            let group: Int?
            if name.utf8.allSatisfy({ $0.isDigit }) {
                group = Int(name)
            } else {
                group = regex.groupNames.firstIndex { $0 == name }.map { $0 + 1 }
            }
            if let group, group < groups.count, let range = groups[group] { out.append(text[range]) }
        }
    }

    /// Number of matches that do not overlap.
    static func count(_ regex: CompiledRegex, _ text: ByteString) -> Int {
        var groups: [Range<Int>?] = []
        return text.withView { view in
            var count = 0
            var position = 0
            var lastEnd = -1
            while position <= view.count, regex.firstMatch(in: view, from: position, groups: &groups),
                let match = groups.first ?? nil
            {
                var counts = true
                if match.upperBound == position {
                    // An empty match where the last one ended does not count.
                    if match.lowerBound == lastEnd { counts = false }
                    position += position < view.count ? max(1, UTF8Length.at(view, position)) : 1
                } else {
                    position = match.upperBound
                }
                lastEnd = match.upperBound
                if counts { count += 1 }
            }
            return count
        }
    }
}
