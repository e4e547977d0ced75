import Bytes
import LogModel
import LogStages

/// `tests:`: what `tailrace test` runs.
enum TestsBlock {
    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        for (index, node) in (root.list("tests") ?? []).enumerated() {
            let keys = ["name", "job", "labels", "now", "input", "expect"]
            guard let map = MapReader(node, "tests[\(index)]", keys: keys, root.problems) else { continue }
            var test = PipelineTestCase(name: map.string("name") ?? "tests[\(index)]", place: node.mark.line)
            test.job = map.string("job")
            if map.node("labels") != nil { test.labels = map.labels("labels") }
            if let now = time(map, "now") { test.now = now }
            test.input = map.strings("input", orOne: true) ?? []
            if test.input.isEmpty { map.missing("input", hint: "list the lines that the pipeline is given") }
            if let node = map.node("expect") { expect(node, map, &test) } else {
                map.missing("expect", hint: "say what comes out: `entries`, `dropped` or `metrics`")
            }
            configuration.tests.append(test)
        }
    }

    private static func expect(_ node: YAMLNode, _ parent: MapReader, _ test: inout PipelineTestCase) {
        let keys = ["entries", "dropped", "metrics"]
        guard let map = MapReader(node, "\(parent.name).expect", keys: keys, parent.problems) else { return }
        if let items = map.list("entries") {
            test.entries = items.enumerated().compactMap { entry($0.element, "\(map.name).entries[\($0.offset)]", map.problems) }
        }
        test.dropped = map.integer("dropped")
        for (name, value, mark) in map.mapping("metrics") ?? [] {
            guard let value, let number = YAMLScalar.float(value) else {
                map.problems.error("`\(name)` of \(map.name).metrics must be a number", at: mark)
                continue
            }
            test.metrics.append((name, number))
        }
        if test.entries == nil, test.dropped == nil, test.metrics.isEmpty {
            map.problems.error("\(map.name) expects nothing", at: map.mark, hint: "give `entries`, `dropped` or `metrics`")
        }
    }

    private static func entry(_ node: YAMLNode, _ name: String, _ problems: Problems) -> PipelineTestCase.Entry? {
        // A text is the line that comes out.
        if case .scalar(let line, _) = node.content {
            var entry = PipelineTestCase.Entry()
            entry.line = line
            entry.place = node.mark.line
            return entry
        }
        let keys = ["labels", "structured_metadata", "line", "line_matches", "line_contains", "line_not_contains", "timestamp"]
        guard let map = MapReader(node, name, keys: keys, problems) else { return nil }
        var entry = PipelineTestCase.Entry()
        entry.place = node.mark.line
        if map.has("labels") { entry.labels = map.labels("labels") ?? Labels() }
        if map.has("structured_metadata") { entry.metadata = map.labels("structured_metadata") ?? Labels() }
        entry.line = map.string("line")
        entry.lineMatches = map.string("line_matches")
        if let pattern = entry.lineMatches {
            do throws(RegexError) { _ = try CompiledRegex(pattern) } catch { map.wrong("line_matches", "does not compile: \(error)") }
        }
        entry.lineContains = map.strings("line_contains", orOne: true) ?? []
        entry.lineNotContains = map.strings("line_not_contains", orOne: true) ?? []
        entry.timestamp = time(map, "timestamp")
        return entry
    }

    private static func time(_ map: MapReader, _ key: String) -> Int64? {
        guard let text = map.string(key) else { return nil }
        let format = TimeFormat("RFC3339Nano")
        let time = text.withView { format.nanoseconds($0, zone: .utc, now: Timestamp(nanoseconds: 0)) }
        if time == nil { map.wrong(key, "is no time: `\(text)`", hint: "write it as 2026-01-31T12:00:00.5Z") }
        return time
    }
}
