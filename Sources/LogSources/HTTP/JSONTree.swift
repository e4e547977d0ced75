import Bytes

/// A JSON document as values: for answers of APIs, which are read once and are small. Lines take `JSONCursor` itself.
indirect enum JSONTree: Equatable {
    case object([ByteString: JSONTree])
    case array([JSONTree])
    case string(ByteString)
    /// As it was written.
    case number(ByteString)
    case bool(Bool)
    case null

    /// nil for anything but one whole document.
    init?(_ text: ByteView) {
        var cursor = JSONCursor()
        do throws(JSONCursor.Failure) { try cursor.scan(text) } catch { return nil }
        guard cursor.count > 0 else { return nil }
        var index = 0
        self = Self.value(&index, cursor, text)
    }

    private static func value(_ index: inout Int, _ cursor: JSONCursor, _ text: ByteView) -> JSONTree {
        let token = cursor[index]
        index += 1
        switch token.type {
        case .object:
            var members: [ByteString: JSONTree] = [:]
            while index < token.next {
                let key = string(cursor[index], text)
                index += 1
                members[key] = value(&index, cursor, text)
            }
            return .object(members)
        case .array:
            var items: [JSONTree] = []
            while index < token.next { items.append(value(&index, cursor, text)) }
            return .array(items)
        case .string: return .string(string(token, text))
        case .number: return .number(ByteString(JSONCursor.raw(token, in: text)))
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .null: return .null
        }
    }

    private static func string(_ token: JSONCursor.Token, _ text: ByteView) -> ByteString {
        let raw = JSONCursor.raw(token, in: text)
        guard token.isEscaped else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        JSONText.unescape(raw, into: out)
        defer { withExtendedLifetime(out) {} }
        return ByteString(out.view)
    }

    /// A member of an object; nil also for `null`.
    subscript(name: ByteString) -> JSONTree? {
        guard case .object(let members) = self, let value = members[name], value != .null else { return nil }
        return value
    }

    var items: [JSONTree] { if case .array(let items) = self { items } else { [] } }
    /// Members of an object by name, in the order of names.
    var members: [(name: ByteString, value: JSONTree)] {
        guard case .object(let members) = self else { return [] }
        return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
    var bytes: ByteString? { if case .string(let text) = self { text } else { nil } }
    var text: String? { bytes?.string }
    var integer: Int64? { if case .number(let text) = self { Int64(text.string) } else { nil } }
    var isTrue: Bool { self == .bool(true) }
}
