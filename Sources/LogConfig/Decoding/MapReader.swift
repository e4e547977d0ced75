import Bytes
import LogModel

/// Takes a mapping apart: typed values by key, unknown keys told with what may have been meant.
///
/// Getters return nil for keys that are missing or empty, and for values of a wrong type, which they report.
struct MapReader {
    enum Unknown { case refused, warned }

    let problems: Problems
    /// How the mapping is called in messages: `clients[0]`, `the json stage`.
    let name: String
    let mark: YAMLMark
    let pairs: [YAMLPair]
    private let foldsCase: Bool

    /// nil, and a report, when `node` is no mapping. An empty value counts as an empty mapping.
    /// `keys` are those that may occur. `foldsCase`: keys in any case, as mapstructure of Go matches them.
    init?(
        _ node: YAMLNode,
        _ name: String,
        keys: [String],
        _ problems: Problems,
        unknown: Unknown = .refused,
        foldsCase: Bool = false
    ) {
        self.problems = problems
        self.name = name
        self.foldsCase = foldsCase
        mark = node.mark
        if node.isNull {
            pairs = []
            return
        }
        guard case .mapping(let found) = node.content else {
            problems.error(
                "`\(name)` must be a mapping, not \(node.kindName)",
                at: node.mark,
                hint: keys.isEmpty ? "" : "its keys are \(MapReader.list(keys))"
            )
            return nil
        }
        pairs = found
        for pair in found where !keys.contains(foldsCase ? pair.key.lowercased() : pair.key) {
            let message = "unknown key `\(pair.key)` in \(name)"
            let hint = MapReader.hint(pair.key, keys)
            switch unknown {
            case .refused: problems.error(message, at: pair.keyMark, hint: hint)
            case .warned: problems.warning(message, at: pair.keyMark, hint: hint)
            }
        }
    }

    static func hint(_ key: String, _ keys: [String]) -> String {
        if let meant = EditDistance.nearest(key, in: keys) { return "did you mean `\(meant)`?" }
        return keys.isEmpty ? "no key is expected here" : "known keys: \(list(keys))"
    }

    private static func list(_ keys: [String]) -> String {
        let shown = keys.sorted().prefix(24).joined(separator: ", ")
        return keys.count > 24 ? shown + ", …" : shown
    }

    func pair(_ key: String) -> YAMLPair? {
        pairs.first { (foldsCase ? $0.key.lowercased() : $0.key) == key }
    }

    /// The value, when there is one that is not empty.
    func node(_ key: String) -> YAMLNode? {
        guard let value = pair(key)?.value, !value.isNull else { return nil }
        return value
    }

    func has(_ key: String) -> Bool { pair(key) != nil }
    func mark(of key: String) -> YAMLMark { pair(key)?.value.mark ?? mark }
    func keyMark(of key: String) -> YAMLMark { pair(key)?.keyMark ?? mark }

    func wrong(_ key: String, _ what: String, hint: String = "") {
        problems.error("`\(key)` in \(name) \(what)", at: mark(of: key), hint: hint)
    }

    func missing(_ key: String, hint: String = "") {
        problems.error("`\(key)` is missing in \(name)", at: mark, hint: hint)
    }

    // MARK: Single values

    private func text(_ key: String, _ wanted: String) -> (text: String, isPlain: Bool)? {
        guard let node = node(key) else { return nil }
        guard case .scalar(let text, let isPlain) = node.content else {
            wrong(key, "must be \(wanted), not \(node.kindName)")
            return nil
        }
        return (text, isPlain)
    }

    /// Any single value, as it was written; an empty text counts when it has quotes.
    func string(_ key: String) -> String? { text(key, "a text")?.text }

    func secret(_ key: String) -> Secret? { string(key).map { Secret($0) } }

    func bool(_ key: String) -> Bool? {
        guard let (text, _) = text(key, "true or false") else { return nil }
        guard let value = YAMLScalar.bool(text) else {
            wrong(key, "must be true or false, not `\(text)`")
            return nil
        }
        return value
    }

    func integer(_ key: String, _ range: ClosedRange<Int> = 0...Int.max) -> Int? {
        guard let (text, _) = text(key, "a whole number") else { return nil }
        guard let value = YAMLScalar.integer(text).flatMap({ Int(exactly: $0) }) else {
            wrong(key, "must be a whole number, not `\(text)`")
            return nil
        }
        guard range.contains(value) else {
            wrong(
                key,
                "is \(value)",
                hint: range.upperBound == .max
                    ? "it must be \(range.lowerBound) or more"
                    : "it must be from \(range.lowerBound) to \(range.upperBound)"
            )
            return nil
        }
        return value
    }

    func number(_ key: String) -> Double? {
        guard let (text, _) = text(key, "a number") else { return nil }
        guard let value = YAMLScalar.float(text), !value.isNaN else {
            wrong(key, "must be a number, not `\(text)`")
            return nil
        }
        return value
    }

    /// A duration of Promtail's schema, in nanoseconds: Go's form, or a whole number of nanoseconds.
    func goDuration(_ key: String) -> Int64? {
        guard let (text, isPlain) = text(key, "a duration") else { return nil }
        if isPlain, let value = YAMLScalar.integer(text), value >= 0 {
            if value > 0, value < 1_000_000 {
                problems.warning(
                    "`\(key)` in \(name) is \(value) ns",
                    at: mark(of: key),
                    hint: "a number without unit means nanoseconds; write `\(value)s` for seconds"
                )
            }
            return value
        }
        return checked(key, text, GoDuration.parse(text), "units are ns, us, ms, s, m and h, as in 1h30m")
    }

    /// A duration of our own keys: Go's form with days and weeks; a number without unit is refused, unless it is 0.
    func duration(_ key: String) -> Int64? {
        guard let (text, _) = text(key, "a duration") else { return nil }
        return checked(key, text, GoDuration.parse(text, days: true), "units are ms, s, m, h, d and w, as in 1h30m")
    }

    private func checked(_ key: String, _ text: String, _ value: Int64?, _ hint: String) -> Int64? {
        guard let value else {
            wrong(key, "is no duration: `\(text)`", hint: hint)
            return nil
        }
        guard value >= 0 else {
            wrong(key, "is below 0: `\(text)`")
            return nil
        }
        return value
    }

    /// A size in bytes.
    func size(_ key: String) -> Int? {
        guard let (text, _) = text(key, "a size") else { return nil }
        guard let value = ByteSize.parse(text) else {
            wrong(
                key,
                "is no size: `\(text)`",
                hint: "write bytes, or a number with kb, mb or gb, as in 256kb (1024-based)"
            )
            return nil
        }
        return value
    }

    /// One of some words.
    func choice<Value: RawRepresentable & CaseIterable>(_ key: String, _: Value.Type) -> Value?
    where Value.RawValue == String {
        guard let (text, _) = text(key, "a word") else { return nil }
        guard let value = Value(rawValue: text) else {
            let words = Value.allCases.map(\.rawValue)
            wrong(
                key,
                "is `\(text)`",
                hint: EditDistance.nearest(text, in: words).map { "did you mean `\($0)`?" }
                    ?? "one of \(words.joined(separator: ", "))"
            )
            return nil
        }
        return value
    }

    // MARK: Lists and mappings

    func list(_ key: String) -> [YAMLNode]? {
        guard let node = node(key) else { return nil }
        guard case .sequence(let items) = node.content else {
            wrong(key, "must be a list, not \(node.kindName)")
            return nil
        }
        return items
    }

    /// A list of texts; with `orOne` also a single one.
    func strings(_ key: String, orOne: Bool = false) -> [String]? {
        if orOne, let node = node(key), case .scalar(let text, _) = node.content { return [text] }
        guard let items = list(key) else { return nil }
        var texts: [String] = []
        for item in items {
            guard case .scalar(let text, _) = item.content else {
                problems.error("`\(key)` in \(name) must hold texts, not \(item.kindName)", at: item.mark)
                return nil
            }
            texts.append(text)
        }
        return texts
    }

    /// A mapping of names to texts; empty values are nil.
    func mapping(_ key: String) -> [(name: String, value: String?, mark: YAMLMark)]? {
        guard let node = node(key) else { return nil }
        return MapReader.mapping(node, "`\(key)` in \(name)", problems)
    }

    static func mapping(_ node: YAMLNode, _ name: String, _ problems: Problems) -> [(
        name: String, value: String?, mark: YAMLMark
    )]? {
        if node.isNull { return [] }
        guard case .mapping(let pairs) = node.content else {
            problems.error("\(name) must be a mapping, not \(node.kindName)", at: node.mark)
            return nil
        }
        var found: [(name: String, value: String?, mark: YAMLMark)] = []
        for pair in pairs {
            guard case .scalar(let text, _) = pair.value.content else {
                problems.error(
                    "`\(pair.key)` of \(name) must be a text, not \(pair.value.kindName)",
                    at: pair.value.mark
                )
                continue
            }
            found.append((pair.key, pair.value.isNull ? nil : text, pair.keyMark))
        }
        return found
    }

    /// Labels: names that Prometheus takes, values that are UTF-8 already.
    func labels(_ key: String) -> Labels? {
        guard let found = mapping(key) else { return nil }
        var labels: [Label] = []
        for (name, value, mark) in found {
            guard MapReader.isLabelName(name) else {
                problems.error(
                    "`\(name)` is no label name",
                    at: mark,
                    hint: "letters, digits and underscores, no digit in front"
                )
                continue
            }
            labels.append(Label(ByteString(name), ByteString(value ?? "")))
        }
        return Labels(labels)
    }

    static func isLabelName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, first.isLetter || first == UInt8(ascii: "_") else { return false }
        return bytes.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") }
    }
}
