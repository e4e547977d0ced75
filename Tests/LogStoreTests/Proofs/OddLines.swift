import LogTestKit

/// Lines that a store may take badly: JSON spelled in every way that is allowed and in some that are not, logfmt, text
/// and random bytes. Half of them follow a few schemas of the round, so that templates and typed columns come about, and
/// their values then break out of what the columns expect.
struct OddLines {
    private var random: SeededRandom
    private var schemas: [[(key: String, kind: Int)]] = []
    private var longLeft: Int
    /// Bytes of the longest strings.
    private let longest: Int

    private static let words = ["ok", "lost", "lease", "shard", "GET", "/v1/items", "caf\u{e9}", "\u{1F600}", "naïve", "a b", "", "-", "null", "true"]
    private static let keys = [
        "a", "b", "level", "ts", "msg", "id", "n", "x.y", "x_y", "", " ", "\\u0061", "caf\u{e9}", "a\\\"b", "deep", "status", "0",
    ]
    private static let numbers = [
        "0", "-0", "1", "-1", "1.0", "1.00", "0.10", "1e5", "1E+5", "-1.5e-7", "100000000000000000000000.5",
        "1234567890123456789012345", "-9223372036854775808", "9223372036854775807", "18446744073709551616", "999999999999999999",
        "0.000000000000000000001", "1e400", "12.340", "007", "+1", ".5", "5.",
    ]

    init(seed: UInt64, longStrings: Int = 0, longest: Int = 0) {
        random = SeededRandom(seed)
        longLeft = longStrings
        self.longest = longest
        for _ in 0..<6 {
            schemas.append(
                (0..<2 + random.below(9)).map { i in
                    (random.chance(0.6) ? "k\(i)" : Self.keys[random.below(Self.keys.count)], random.below(10))
                })
        }
        // The last one keeps to its kinds: where each column has a value that breaks out, none is of times.
        schemas.append((0..<10).map { ("steady\($0)", $0) })
    }

    mutating func next() -> [UInt8] {
        if longLeft > 0, random.below(5_000) == 0 {
            longLeft -= 1
            return long()
        }
        var line: [UInt8]
        switch random.below(20) {
        case 0..<10: line = schema()
        case 10...12: line = Array(object(depth: 0).utf8)
        case 13: line = logfmt()
        case 14, 15: line = text()
        case 16: line = (0..<random.below(80)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        case 17: line = deep()
        case 18: line = broken(schema())
        default: line = [[], [0x20], Array("{}".utf8), Array("[]".utf8), Array("\"\"".utf8), [0], [0x0D], Array("null".utf8)][random.below(8)]
        }
        switch random.below(60) {
        case 0: line.append(0x0D)
        case 1: line.insert(0x20, at: 0)
        case 2: line.append(contentsOf: [0x20, 0x09])
        case 3: line = broken(line)
        // A newline cannot be in a line of a file, but in one that was pushed.
        case 4: line.insert(0x0A, at: random.below(line.count + 1))
        default: break
        }
        return line
    }

    private mutating func pick(_ list: [String]) -> String { list[random.below(list.count)] }

    private mutating func schema() -> [UInt8] {
        let chosen = random.below(schemas.count)
        let (schema, isSteady) = (schemas[chosen], chosen == schemas.count - 1)
        let colon = random.chance(0.97) ? ": " : pick([":", " :", " : ", ":\t"])
        let comma = random.chance(0.97) ? ", " : pick([",", " ,", ",  "])
        var members: [String] = []
        for (key, kind) in schema {
            if random.below(25) == 0 { continue }
            members.append("\"\(key)\"\(colon)\(!isSteady && random.below(40) == 0 ? value(depth: 2) : typed(kind))")
            if random.below(60) == 0, let last = members.last { members.append(last) }
        }
        var line = Array("{\(members.joined(separator: comma))}".utf8)
        // Bytes that are no UTF-8, inside of a string if there is one.
        if random.below(40) == 0, let quote = line.lastIndex(of: 0x22) {
            line.insert(contentsOf: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF8, 0x88]][random.below(4)], at: quote)
        }
        return line
    }

    /// Of a kind that a column may be made for.
    private mutating func typed(_ kind: Int) -> String {
        switch kind {
        case 0: return "\(random.below(1000))"
        case 1: return "\(random.below(9)).\(random.below(90) + 10)"
        case 2: return "\"2026-11-\(10 + random.below(20))T10:\(10 + random.below(50)):\(10 + random.below(50)).\(100 + random.below(900))Z\""
        case 3: return "\"req_\(String(random.next() | 1 << 63, radix: 16))\""
        case 4: return "\"\(["info", "warn", "error"][random.below(3)])\""
        case 5: return "\"job \(random.below(5000)) of \(random.below(9)) took \(random.below(99)) ms\""
        case 6: return random.chance(0.5) ? "true" : random.chance(0.5) ? "false" : "null"
        case 7: return "\"\(string())\""
        case 8: return "[\(random.below(9)),\(random.below(9))]"
        default: return pick(Self.numbers)
        }
    }

    private mutating func string() -> String {
        var text = ""
        for _ in 0..<random.below(6) {
            switch random.below(12) {
            case 0: text += pick(["\\ud800", "\\udc00\\ud83d", "\\ud83d\\ude00", "\\u0000", "\\u00e9", "\\/", "\\n", "\\\\", "\\\""])
            case 1: text += "\(random.below(1_000_000))"
            case 2: text += pick(["\u{1}", "\u{7F}", "\u{2}x", "\u{3}"])
            default: text += Self.words[random.below(Self.words.count)] + " "
            }
        }
        return text
    }

    private mutating func value(depth: Int) -> String {
        switch random.below(depth > 4 ? 6 : 9) {
        case 0, 1: return pick(Self.numbers)
        case 2...4: return "\"\(string())\""
        case 5: return pick(["true", "false", "null"])
        case 6: return "[" + (0..<random.below(4)).map { _ in value(depth: depth + 1) }.joined(separator: pick([",", ", "])) + "]"
        default: return object(depth: depth + 1)
        }
    }

    private mutating func object(depth: Int) -> String {
        let members = (0..<random.below(depth == 0 && random.below(200) == 0 ? 90 : 6)).map { _ in
            "\"\(pick(Self.keys))\(random.below(8) == 0 ? "\(random.below(300))" : "")\"\(pick([":", ": "]))\(value(depth: depth + 1))"
        }
        return "{\(members.joined(separator: pick([",", ", "])))}"
    }

    private mutating func deep() -> [UInt8] {
        let depth = 1 + random.below(random.below(10) == 0 ? 300 : 70)
        let isList = random.chance(0.5)
        let open = isList ? "[" : #"{"a":"#
        let close = isList ? "]" : "}"
        let text = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        return Array((random.chance(0.5) ? "{\"top\":\(text)}" : text).utf8)
    }

    private mutating func logfmt() -> [UInt8] {
        var parts: [String] = []
        for _ in 0..<1 + random.below(6) {
            parts.append("\(pick(["level", "msg", "n", "err", "caf\u{e9}"]))=\(random.chance(0.5) ? "\(random.below(500))" : "\"\(string())\"")")
        }
        return Array(parts.joined(separator: " ").utf8)
    }

    private mutating func text() -> [UInt8] {
        Array("INFO 10:\(10 + random.below(50)):01 [\(random.below(99))] \(string()) took 0\(random.below(99)).\(random.below(9)) of \(pick(Self.numbers))".utf8)
    }

    /// Cut, or with a byte that is another one.
    private mutating func broken(_ line: [UInt8]) -> [UInt8] {
        guard !line.isEmpty else { return line }
        var line = line
        if random.chance(0.5) {
            line.removeLast(random.below(line.count))
        } else {
            line[random.below(line.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        return line
    }

    private mutating func long() -> [UInt8] {
        let size = longest / (1 + random.below(20))
        var body = [UInt8](repeating: 0x61, count: size)
        for _ in 0..<size / 1000 { body[random.below(size)] = UInt8(0x20 + random.below(90)) }
        for i in body.indices where body[i] == 0x22 || body[i] == 0x5C { body[i] = 0x2E }
        return random.chance(0.5) ? body : Array(#"{"id": 7, "blob": ""#.utf8) + body + Array(#"", "n": 1}"#.utf8)
    }
}
