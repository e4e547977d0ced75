import Bytes
import LogModel

/// A choice maker with a seed: what failed can be made again.
struct Dice {
    private var random: SplitMix

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    mutating func below(_ bound: Int) -> Int { random.next(below: bound) }
    mutating func one(in n: Int) -> Bool { below(n) == 0 }
    mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
    mutating func some<T>(_ range: ClosedRange<Int>, _ make: (inout Dice) -> T) -> [T] {
        (0..<range.lowerBound + below(range.count)).map { _ in make(&self) }
    }
}

/// Lines as services write them: JSON, logfmt, text and packed JSON, a few of them broken; with metadata, equal times and
/// lines out of order.
struct GeneratedData {
    struct Line {
        var stream: Labels
        /// Nanoseconds.
        var time: Int64
        var text: String
        var metadata: Labels
    }

    private(set) var lines: [Line] = []

    init(seed: UInt64, count: Int) {
        var dice = Dice(seed: seed)
        let streams: [(Labels, Format)] = [
            (Labels(["app": "web", "env": "prod"]), .json),
            (Labels(["app": "web", "env": "dev"]), .json),
            (Labels(["app": "api", "env": "prod"]), .logfmt),
            (Labels(["app": "api", "env": "dev", "host": "h1"]), .logfmt),
            (Labels(["app": "text", "env": "prod"]), .text),
            (Labels(["app": "pack", "env": "dev"]), .packed),
        ]
        for _ in 0..<count {
            let (labels, format) = dice.pick(streams)
            var metadata: [Label] = []
            if !dice.one(in: 4) { metadata.append(Label("level", ByteString(dice.pick(["info", "warn", "error"])))) }
            if dice.one(in: 3) { metadata.append(Label("trace", ByteString("t\(dice.below(4))"))) }
            if dice.one(in: 20) { metadata.append(Label("env", "meta")) }
            let time = Int64(dice.below(600)) * 1_000_000_000 + (dice.one(in: 3) ? Int64(dice.below(1000)) * 1_000_000 : 0)
            lines.append(
                Line(stream: labels, time: time, text: Self.text(format, &dice), metadata: Labels(metadata))
            )
        }
    }

    private enum Format { case json, logfmt, text, packed }

    private static func text(_ format: Format, _ dice: inout Dice) -> String {
        if format != .text, dice.one(in: 15) { return "broken line \(dice.below(5))" }
        var fields: [(String, String)] = []
        func add(_ name: String, _ choices: [String], _ dice: inout Dice) {
            if !dice.one(in: 5) { fields.append((name, dice.pick(choices))) }
        }
        add("status", ["200", "404", "500", "503", "abc"], &dice)
        add("dur", ["12ms", "250ms", "1.5s", "2m", "oops"], &dice)
        add("size", ["512B", "10KB", "1.5MB", "nope"], &dice)
        add("user", ["u1", "u2", "u3", ""], &dice)
        add("n", ["1", "2", "3.5", "10"], &dice)
        add("addr", ["10.1.2.3", "192.168.0.7", "here"], &dice)
        add("msg", ["hello world", "foo error bar", "warn: slow", "plain"], &dice)
        if dice.one(in: 6) { add("app", ["inner"], &dice) }
        if dice.one(in: 8) { add("level", ["debug"], &dice) }
        switch format {
        case .json, .packed:
            var members = fields.map { name, value in
                name == "n" && format == .json ? "\"\(name)\":\(value)" : "\"\(name)\":\"\(value)\""
            }
            if format == .packed {
                if !dice.one(in: 4) { members.append("\"_entry\":\"inner \(dice.pick(["foo", "bar"])) line\"") }
            } else {
                if dice.one(in: 2) { members.append("\"req\":{\"id\":\"r\(dice.below(3))\",\"ok\":\(dice.one(in: 2))}") }
                if dice.one(in: 3) { members.append("\"tags\":[\"x\",\"y\(dice.below(3))\"]") }
                if dice.one(in: 4) { members.append("\"none\":null") }
                if dice.one(in: 5) { members.append("\"user\":\"again\"") }
            }
            return "{\(members.joined(separator: ","))}"
        case .logfmt:
            return fields.map { $0.1.contains(" ") ? "\($0.0)=\"\($0.1)\"" : "\($0.0)=\($0.1)" }.joined(separator: " ")
        case .text:
            let words = fields.map(\.1).joined(separator: " ")
            return dice.one(in: 4) ? "\u{1b}[31m\(words)\u{1b}[0m" : words
        }
    }

    func store(blockSize: Int, pushdown: MemoryStore.Pushdown) -> MemoryStore {
        let store = MemoryStore(blockSize: blockSize, pushdown: pushdown)
        for line in lines { store.add(line.stream, line.time, ByteString(line.text), line.metadata) }
        return store
    }
}
