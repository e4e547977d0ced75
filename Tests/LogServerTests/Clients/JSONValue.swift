/// A JSON document as tests look at it: strict, and keys in the order in which they were written.
indirect enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case members([(String, JSONValue)])

    static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let x), .bool(let y)): x == y
        case (.number(let x), .number(let y)), (.string(let x), .string(let y)): x == y
        case (.array(let x), .array(let y)): x == y
        case (.members(let x), .members(let y)): x.elementsEqual(y) { $0.0 == $1.0 && $0.1 == $1.1 }
        default: false
        }
    }

    /// Nil for anything but one document, with nothing behind it but a newline.
    static func parse(_ text: String) -> JSONValue? {
        var parser = Parser(text: Array(text.utf8))
        guard let value = parser.value() else { return nil }
        parser.space()
        return parser.at == parser.text.count ? value : nil
    }

    subscript(key: String) -> JSONValue? {
        if case .members(let members) = self { members.first { $0.0 == key }?.1 } else { nil }
    }

    var keys: [String] { if case .members(let members) = self { members.map(\.0) } else { [] } }
    var items: [JSONValue] { if case .array(let items) = self { items } else { [] } }
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let text) = self { Double(text) } else { nil } }

    /// Members whose values are strings.
    var strings: [String: String] {
        guard case .members(let members) = self else { return [:] }
        return Dictionary(members.compactMap { key, value in value.text.map { (key, $0) } }) { first, _ in first }
    }

    private struct Parser {
        let text: [UInt8]
        var at = 0

        mutating func space() { while at < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[at]) { at += 1 } }

        private mutating func take(_ byte: Character) -> Bool {
            space()
            guard at < text.count, text[at] == byte.asciiValue else { return false }
            at += 1
            return true
        }

        mutating func value() -> JSONValue? {
            space()
            guard at < text.count else { return nil }
            switch text[at] {
            case 0x7B:
                at += 1
                var members: [(String, JSONValue)] = []
                if take("}") { return .members([]) }
                repeat {
                    space()
                    guard case .string(let key)? = string(), take(":"), let value = value() else { return nil }
                    members.append((key, value))
                } while take(",")
                return take("}") ? .members(members) : nil
            case 0x5B:
                at += 1
                var items: [JSONValue] = []
                if take("]") { return .array([]) }
                repeat {
                    guard let item = value() else { return nil }
                    items.append(item)
                } while take(",")
                return take("]") ? .array(items) : nil
            case 0x22: return string()
            default:
                let start = at
                while at < text.count, ![0x2C, 0x7D, 0x5D, 0x20, 0x0A].contains(text[at]) { at += 1 }
                switch String(decoding: text[start..<at], as: UTF8.self) {
                case "null": return .null
                case "true": return .bool(true)
                case "false": return .bool(false)
                case let word: return Double(word) == nil ? nil : .number(word)
                }
            }
        }

        mutating func string() -> JSONValue? {
            guard at < text.count, text[at] == 0x22 else { return nil }
            at += 1
            var bytes: [UInt8] = []
            while at < text.count {
                let c = text[at]
                at += 1
                if c == 0x22 { return .string(String(decoding: bytes, as: UTF8.self)) }
                guard c == 0x5C else {
                    bytes.append(c)
                    continue
                }
                guard at < text.count else { return nil }
                at += 1
                switch text[at - 1] {
                case 0x6E: bytes.append(0x0A)
                case 0x74: bytes.append(0x09)
                case 0x72: bytes.append(0x0D)
                case 0x62: bytes.append(0x08)
                case 0x66: bytes.append(0x0C)
                case 0x75:
                    guard at + 4 <= text.count, let code = UInt32(String(decoding: text[at..<at + 4], as: UTF8.self), radix: 16),
                        let scalar = Unicode.Scalar(code)
                    else { return nil }
                    at += 4
                    bytes += Array(String(Character(scalar)).utf8)
                case let c: bytes.append(c)
                }
            }
            return nil
        }
    }
}
