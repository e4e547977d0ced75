/// JSON and logfmt as slowly and plainly as possible, for lines of the differential test: no escapes, no blanks.
enum NaiveText {
    indirect enum Value {
        case text(String)
        /// A number or boolean, as written.
        case bare(String)
        case null
        case object([(String, Value)])
        case array([Value])

        var raw: String {
            switch self {
            case .text(let text): "\"\(text)\""
            case .bare(let text): text
            case .null: "null"
            case .object(let members): "{\(members.map { "\"\($0.0)\":\($0.1.raw)" }.joined(separator: ","))}"
            case .array(let items): "[\(items.map(\.raw).joined(separator: ","))]"
            }
        }
    }

    static func json(_ text: String) -> Value? {
        var rest = Substring(text)
        guard let value = value(&rest), rest.isEmpty else { return nil }
        return value
    }

    private static func value(_ rest: inout Substring) -> Value? {
        guard let first = rest.first else { return nil }
        switch first {
        case "\"":
            return string(&rest).map { .text($0) }
        case "{":
            rest.removeFirst()
            var members: [(String, Value)] = []
            while rest.first != "}" {
                guard let key = string(&rest), rest.first == ":" else { return nil }
                rest.removeFirst()
                guard let value = value(&rest) else { return nil }
                members.append((key, value))
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
            return .object(members)
        case "[":
            rest.removeFirst()
            var items: [Value] = []
            while rest.first != "]" {
                guard let value = value(&rest) else { return nil }
                items.append(value)
                if rest.first == "," { rest.removeFirst() }
            }
            rest.removeFirst()
            return .array(items)
        default:
            let word = rest.prefix { !",}]".contains($0) }
            guard first.isNumber || ["true", "false", "null"].contains(word) else { return nil }
            rest.removeFirst(word.count)
            return word == "null" ? .null : .bare(String(word))
        }
    }

    private static func string(_ rest: inout Substring) -> String? {
        guard rest.first == "\"" else { return nil }
        rest.removeFirst()
        let text = rest.prefix { $0 != "\"" }
        guard text.count < rest.count else { return nil }
        rest.removeFirst(text.count + 1)
        return String(text)
    }

    /// Keys joined by `_`; nulls and arrays left out.
    static func flatten(_ members: [(String, Value)], _ prefix: String = "") -> [(String, String)] {
        members.flatMap { key, value -> [(String, String)] in
            switch value {
            case .text(let text), .bare(let text): [(prefix + key, text)]
            case .object(let inner): flatten(inner, prefix + key + "_")
            case .null, .array: []
            }
        }
    }

    /// nil for a pair that is none: a quote in the middle, `=` twice.
    static func logfmt(_ line: String) -> [(String, String)] {
        var pairs: [(String, String)] = []
        var rest = Substring(line)
        while !rest.isEmpty {
            rest = rest.drop { $0 <= " " }
            let key = rest.prefix { $0 > " " && $0 != "=" && $0 != "\"" }
            if key.isEmpty {
                rest = rest.drop { $0 > " " }
                continue
            }
            rest.removeFirst(key.count)
            guard rest.first == "=" else {
                // A key alone; or a fault in the middle of it, which takes the pair away.
                if rest.first == "\"" { rest = rest.drop { $0 > " " } } else { pairs.append((String(key), "")) }
                continue
            }
            rest.removeFirst()
            if rest.first == "\"" {
                rest.removeFirst()
                let value = rest.prefix { $0 != "\"" }
                rest = rest.dropFirst(value.count + 1)
                pairs.append((String(key), String(value)))
            } else {
                let value = rest.prefix { $0 > " " }
                rest = rest.dropFirst(value.count)
                if !value.contains("=") && !value.contains("\"") { pairs.append((String(key), String(value))) }
            }
        }
        return pairs
    }

    // MARK: Typed values, in the few forms that occur

    static func number(_ text: String) -> Double? { Double(text) }

    /// Nanoseconds.
    static func duration(_ text: String) -> Double? {
        for (unit, size) in [("ms", 1e6), ("s", 1e9), ("m", 60e9)] where text.hasSuffix(unit) {
            return Double(text.dropLast(unit.count)).map { $0 * size }
        }
        return text == "0" ? 0 : nil
    }

    static func bytes(_ text: String) -> Double? {
        for (unit, size) in [("KB", 1e3), ("MB", 1e6), ("B", 1.0)] where text.hasSuffix(unit) {
            if let value = Double(text.dropLast(unit.count)) { return value * size }
        }
        return Double(text)
    }
}
