import Bytes

/// `fromJson`: decoded documents as template values. What is not JSON is no value.
enum TemplateJSON {
    static func decode(_ text: ByteString) -> TemplateValue {
        text.withView { view in
            var cursor = JSONCursor(capacity: 32)
            guard (try? cursor.scan(view)) != nil, cursor.count > 0 else { return .none }
            return value(0, cursor, view)
        }
    }

    private static func value(_ index: Int, _ cursor: JSONCursor, _ text: ByteView) -> TemplateValue {
        let token = cursor[index]
        switch token.type {
        case .string: return .text(string(token, text))
        case .number:
            if case .success(let number) = GoFloat.parse(text[token.range]) { return .float(number) }
            return .none
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .null: return .none
        case .array:
            var items: [TemplateValue] = []
            var i = index + 1
            while i < token.following {
                items.append(value(i, cursor, text))
                i = cursor[i].following
            }
            return .list(items)
        case .object:
            // Of equal keys the last one counts.
            var members: [ByteString: TemplateValue] = [:]
            var i = index + 1
            while i + 1 < token.following {
                members[string(cursor[i], text)] = value(i + 1, cursor, text)
                i = cursor[i + 1].following
            }
            return .map(members.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 })
        }
    }

    private static func string(_ token: JSONCursor.Token, _ text: ByteView) -> ByteString {
        let raw = text[token.range]
        guard token.isEscaped else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        JSONText.unescape(raw, into: out)
        return ByteString(out.view)
    }
}
