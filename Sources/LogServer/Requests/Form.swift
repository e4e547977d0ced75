import Bytes

/// Parameters of a request: the URL's query, and for POST the form in the body, whose values come first (as Go merges
/// them).
struct Form: Sendable, Equatable {
    private(set) var values: [(name: String, value: String)] = []

    /// More are refused. Chosen: Loki's longest list is the matchers of `series`.
    static let valuesMax = 10_000

    init() {}

    /// The first value, or "" where there is none: Loki does not tell the two apart.
    subscript(name: String) -> String { values.first { $0.name == name }?.value ?? "" }

    func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }

    /// Appends `a=b&c=d`. Throws Go's words for a bad escape.
    mutating func append(encoded text: ByteView) throws(Refusal) {
        var at = 0
        while at < text.count {
            let end = text.firstIndex(of: 0x26, from: at) ?? text.count
            let pair = text[at..<end]
            at = end + 1
            if pair.isEmpty { continue }
            if pair.contains(0x3B) { throw Refusal(400, "invalid semicolon separator in query") }
            guard values.count < Self.valuesMax else { throw Refusal(400, "more than \(Self.valuesMax) parameters") }
            let equals = pair.firstIndex(of: 0x3D) ?? pair.count
            let name = try PercentCoding.decode(pair[0..<equals], plusIsSpace: true)
            let value = try PercentCoding.decode(pair[min(equals + 1, pair.count)..<pair.count], plusIsSpace: true)
            values.append((name.string, value.string))
        }
    }

    static func == (a: Form, b: Form) -> Bool { a.values.elementsEqual(b.values) { $0 == $1 } }
}

/// `%41` and, in forms, `+`.
package enum PercentCoding {
    package static func decode(_ text: ByteView, plusIsSpace: Bool) throws(Refusal) -> ByteString {
        if !text.contains(0x25), !(plusIsSpace && text.contains(0x2B)) { return ByteString(text) }
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var i = 0
        while i < text.count {
            let c = text[i]
            if c == 0x25 {
                guard i + 2 < text.count, let high = hex(text[i + 1]), let low = hex(text[i + 2]) else {
                    throw Refusal(400, "invalid URL escape \"\(text[i..<min(i + 3, text.count)])\"")
                }
                out.append(high << 4 | low)
                i += 3
            } else {
                out.append(c == 0x2B && plusIsSpace ? 0x20 : c)
                i += 1
            }
        }
        return ByteString(out)
    }

    private static func hex(_ c: UInt8) -> UInt8? {
        switch c {
        case 0x30...0x39: c - 0x30
        case 0x61...0x66: c - 0x61 + 10
        case 0x41...0x46: c - 0x41 + 10
        default: nil
        }
    }
}
