import Bytes

/// What a field's value looks like, tried in this order: Loki's detection, which Drilldown chooses its panels by.
enum FieldType: String {
    case int, float, boolean, duration, bytes, string

    init(of value: ByteString) {
        let text = value.string
        if Int64(text) != nil {
            self = .int
        } else if Self.isFloat(text) {
            self = .float
        } else if Self.booleans.contains(text) {
            self = .boolean
        } else if Self.isDuration(value.bytes) {
            self = .duration
        } else if Self.isSize(value.bytes) {
            self = .bytes
        } else {
            self = .string
        }
    }

    static func isFloat(_ text: String) -> Bool {
        Parameters.float(text) != nil || floatWords.contains(text.lowercased())
    }

    private static let floatWords: Set = ["nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"]
    private static let booleans: Set = ["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"]
    private static let times: Set = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"]
    private static let sizes: Set = [
        "b", "kb", "mb", "gb", "tb", "pb", "eb", "kib", "mib", "gib", "tib", "pib", "eib", "", "k", "m", "g", "t", "p", "e",
        "ki", "mi", "gi", "ti", "pi", "ei",
    ]

    /// `1h30m`, `-1.5s`, `.5ms`: Go's `time.ParseDuration`.
    private static func isDuration(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        if rest.first == 0x2D || rest.first == 0x2B { rest = rest.dropFirst() }
        guard !rest.isEmpty else { return false }
        while !rest.isEmpty {
            guard let number = takeNumber(&rest) else { return false }
            let unit = rest.prefix { !$0.isDigit && $0 != 0x2E }
            rest = rest.dropFirst(unit.count)
            guard number, times.contains(String(decoding: unit, as: UTF8.self)) else { return false }
        }
        return true
    }

    /// `10KB`, `1.5 MiB`: a number, and a unit in any case.
    private static func isSize(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        guard takeNumber(&rest) == true else { return false }
        while rest.first == 0x20 { rest = rest.dropFirst() }
        return sizes.contains(String(decoding: rest, as: UTF8.self).lowercased())
    }

    /// Digits with a point somewhere; true where there was a digit, nil where there was nothing.
    private static func takeNumber(_ rest: inout ArraySlice<UInt8>) -> Bool? {
        let number = rest.prefix { $0.isDigit || $0 == 0x2E }
        guard !number.isEmpty, number.count(where: { $0 == 0x2E }) <= 1 else { return nil }
        rest = rest.dropFirst(number.count)
        return number.contains(where: \.isDigit)
    }
}
