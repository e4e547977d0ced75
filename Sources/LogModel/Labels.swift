import Bytes

/// One label of a stream, or one pair of structured metadata.
package struct Label: Hashable, Comparable, Sendable {
    package var name: ByteString
    package var value: ByteString

    package init(_ name: ByteString, _ value: ByteString) {
        self.name = name
        self.value = value
    }

    package static func < (a: Label, b: Label) -> Bool { a.name == b.name ? a.value < b.value : a.name < b.name }
}

/// A set of labels: sorted by name, each name once. Names and values are bytes, compared as bytes.
package struct Labels: Hashable, Comparable, Sendable {
    package private(set) var pairs: [Label]

    package init() { pairs = [] }

    /// Sorts; of equal names the last one stays. Empty values are kept (a stream label with an empty value is none:
    /// Intake removes those with `withoutEmptyValues`).
    package init(_ pairs: [Label]) {
        var sorted = true
        for i in pairs.indices.dropFirst() where !(pairs[i - 1].name < pairs[i].name) {
            sorted = false
            break
        }
        if sorted {
            self.pairs = pairs
            return
        }
        var result: [Label] = []
        result.reserveCapacity(pairs.count)
        // A stable sort by name: enumeration order breaks ties.
        for (_, pair) in pairs.enumerated().sorted(by: { a, b in
            a.element.name == b.element.name ? a.offset < b.offset : a.element.name < b.element.name
        }) {
            if let last = result.last, last.name == pair.name {
                result[result.count - 1] = pair
            } else {
                result.append(pair)
            }
        }
        self.pairs = result
    }

    package init(_ pairs: KeyValuePairs<String, String>) {
        self.init(pairs.map { Label(ByteString($0.key), ByteString($0.value)) })
    }

    package var isEmpty: Bool { pairs.isEmpty }
    package var count: Int { pairs.count }

    /// O(n): label sets are small.
    package subscript(name: ByteString) -> ByteString? {
        get {
            // By index: a pair that is copied counts references, of names that all threads share.
            for i in pairs.indices where pairs[i].name == name { return pairs[i].value }
            return nil
        }
        set {
            if let at = pairs.firstIndex(where: { !($0.name < name) }) {
                if pairs[at].name == name {
                    if let newValue { pairs[at].value = newValue } else { pairs.remove(at: at) }
                } else if let newValue {
                    pairs.insert(Label(name, newValue), at: at)
                }
            } else if let newValue {
                pairs.append(Label(name, newValue))
            }
        }
    }

    package var withoutEmptyValues: Labels {
        pairs.contains { $0.value.isEmpty } ? Labels(pairs.filter { !$0.value.isEmpty }) : self
    }

    package static func == (a: Labels, b: Labels) -> Bool {
        guard a.pairs.count == b.pairs.count else { return false }
        for i in a.pairs.indices {
            // Values tell sets apart, names seldom do.
            guard a.pairs[i].value == b.pairs[i].value, a.pairs[i].name == b.pairs[i].name else { return false }
        }
        return true
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(contentHash) }

    /// Of names and values; another one in each process, so that nobody can choose labels that collide.
    package var contentHash: UInt64 {
        var hash = Labels.seed
        for i in pairs.indices {
            hash = pairs[i].name.withView { XXH3.of($0, seed: hash) }
            hash = pairs[i].value.withView { XXH3.of($0, seed: hash) }
        }
        return hash
    }

    private static let seed = UInt64.random(in: 1 ... .max)

    package static func < (a: Labels, b: Labels) -> Bool { a.pairs.lexicographicallyPrecedes(b.pairs) }

    /// `{app="api", env="prod"}`: names sorted, values quoted as Go's `strconv.Quote` does.
    package var description: String {
        var out = "{"
        for (i, pair) in pairs.enumerated() {
            if i > 0 { out += ", " }
            out += pair.name.string
            out += "="
            out += GoQuote.quote(pair.value.string)
        }
        return out + "}"
    }

    // MARK: Encoding

    /// Appends count, then each name and value with its length in front, all lengths varints. The form in WAL records
    /// and segments, for stream labels and structured metadata alike.
    package func encode(into out: ByteArena) {
        out.append(varint: UInt64(pairs.count))
        for pair in pairs {
            out.append(prefixed: pair.name)
            out.append(prefixed: pair.value)
        }
    }

    package static func decode(_ reader: inout ByteReader) throws(DecodeError) -> Labels {
        let count = try reader.count()
        var pairs: [Label] = []
        pairs.reserveCapacity(Swift.min(count, 1024))
        for _ in 0..<count {
            let name = ByteString(try reader.prefixed())
            let value = ByteString(try reader.prefixed())
            pairs.append(Label(name, value))
        }
        return Labels(pairs)
    }
}

extension Labels: CustomStringConvertible {}

/// Go's double-quoted string syntax, which label texts and error messages of Loki use.
package enum GoQuote {
    /// As `strconv.Quote`: printable characters stay, others become `\n`, `\x01`, `\u00a0` …
    package static func quote(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: out += "\\\""
            case 0x5C: out += "\\\\"
            case 0x07: out += "\\a"
            case 0x08: out += "\\b"
            case 0x0C: out += "\\f"
            case 0x0A: out += "\\n"
            case 0x0D: out += "\\r"
            case 0x09: out += "\\t"
            case 0x0B: out += "\\v"
            case 0..<0x20, 0x7F: out += "\\x" + hex(scalar.value, 2)
            default:
                if isPrintable(scalar) {
                    out.unicodeScalars.append(scalar)
                } else if scalar.value < 0x10000 {
                    out += "\\u" + hex(scalar.value, 4)
                } else {
                    out += "\\U" + hex(scalar.value, 8)
                }
            }
        }
        return out + "\""
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    private static func hex(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
