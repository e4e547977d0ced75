import Bytes
import Glibc
import LogConfig
import LogQL
import Testing

/// The rules in `grafana/alerts/` and the dashboards in `grafana/dashboards/`: that they can be read, and that what they name exists. What they answer is
/// asked by `EndToEndTests/AlertTests` and `DashboardTests`.
@Suite struct ShippedRulesTests {
    static let root = String(
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    )

    struct Rule: Sendable, CustomTestStringConvertible {
        var name: String
        var isAlert: Bool
        var expression: String
        var annotations: [String: String]
        var testDescription: String { name }
    }

    static let logQL = rules("logql-rules.yaml")
    static let promQL = rules("prometheus-rules.yaml")

    @Test func thereAreRules() {
        #expect(Self.logQL.count >= 30)
        #expect(Self.promQL.count >= 50)
        #expect(Self.dashboards.count >= 3)
    }

    @Test(arguments: logQL) func parses(rule: Rule) throws {
        guard case .metric = try LogQL.parse(rule.expression) else {
            Issue.record("a log query gives no number")
            return
        }
        // The lines behind an alert; labels stand for themselves.
        if let logs = rule.annotations["logs"] { _ = try LogQL.parseLog(Self.filled(logs)) }
        #expect(!rule.isAlert || rule.annotations["logs"] != nil)
    }

    /// An alert at night leads to a page that says what to do.
    @Test(arguments: logQL + promQL) func isExplained(rule: Rule) throws {
        guard rule.isAlert else { return }
        let runbook = try #require(rule.annotations["runbook"])
        let parts = runbook.split(separator: "#")
        try #require(parts.count == 2 && parts[0] == "docs/alerts.md", "\(runbook)")
        #expect(Self.headings.contains(String(parts[1])), "no heading for \(runbook)")
        #expect(rule.annotations["summary"]?.isEmpty == false)
        #expect(rule.annotations["description"]?.isEmpty == false)
    }

    /// A rule over a metric that was renamed is silent for ever, and nobody sees it.
    @Test(arguments: promQL) func asksForMetricsThatExist(rule: Rule) {
        let words = rule.expression.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") }.map(String.init)
        let derived = words.filter { word in
            ["llm_", "llm:", "gpu_", "host_", "unit_", "http_", "log_", "fabricmanager_", "tailrace_", "tailrace:"]
                .contains { word.hasPrefix($0) }
        }
        for name in derived where !Self.promQL.contains(where: { $0.name == name }) {
            let base =
                ["_bucket", "_count", "_sum"].first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) }
                ?? name
            #expect(Self.known.contains(base), "nothing makes \(name)")
        }
        #expect(!derived.isEmpty || ["ServiceDown", "GPUMemoryHigh"].contains(rule.name))
    }

    @Test(arguments: dashboards) func dashboardIsWhole(file: String) throws {
        let document = try #require(Self.tree("grafana/dashboards/\(file)"))
        let targets = Self.mappings(document).filter { $0["expr"] != nil }
        #expect(targets.count > 5)
        for target in targets {
            let query = Self.text(target["expr"]) ?? ""
            #expect(throws: Never.self, "\(query)") { try LogQL.parse(Self.filled(query)) }
            let source = target["datasource"].map { Self.mappings($0).first ?? [:] } ?? [:]
            #expect(Self.text(source["type"]) == "loki", "\(query)")
            #expect(["range", "instant"].contains(Self.text(target["queryType"]) ?? ""), "\(query)")
        }
        var places: Set<String> = []
        for panel in Self.mappings(document) where panel["gridPos"] != nil {
            let place = panel["gridPos"].map { Self.mappings($0).first ?? [:] } ?? [:]
            let corner = "\(Self.text(place["x"]) ?? "?"),\(Self.text(place["y"]) ?? "?")"
            #expect(places.insert(corner).inserted, "two panels at \(corner)")
        }
    }

    // MARK: - Reading

    static func filled(_ query: String) -> String {
        var text = query
        while let open = text.firstRange(of: "{{"), let close = text[open.upperBound...].firstRange(of: "}}") {
            // Templates of `line_format` are backed by braces too; they may as well be a word.
            text.replaceSubrange(open.lowerBound..<close.upperBound, with: "x")
        }
        for (variable, value) in [
            ("$__auto", "1m"), ("$__range", "3600s"), ("$host", ".*"), ("$model", ".*"), ("$search", ""),
        ] {
            text = text.split(separator: variable, omittingEmptySubsequences: false).joined(separator: value)
        }
        return text
    }

    static let dashboards: [String] = {
        guard let directory = opendir("\(root)/grafana/dashboards") else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".json") { found.append(name) }
        }
        return found.sorted()
    }()

    /// Names of metrics: those that pipelines derive, as keys and second names, and ours, as they stand in the sources.
    static let known: Set<String> = {
        var names: Set<String> = []
        for file in [
            "pipelines", "Sources/LogPipeline", "Sources/LogService", "Sources/LogSources", "Sources/LogShipping",
            "Sources/LogServer", "Sources/LogStore",
        ]
        .flatMap({ files(under: "\(root)/\($0)") }) {
            for word in contents(file).split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") })
            where word.contains("_") {
                names.insert(String(word))
            }
        }
        return names
    }()

    static let headings: Set<String> = Set(
        contents("\(root)/docs/alerts.md").split(separator: "\n").filter { $0.hasPrefix("#") }
            .map { $0.drop { $0 == "#" || $0 == " " }.lowercased().filter { $0.isLetter || $0.isNumber } }
    )

    static func rules(_ name: String) -> [Rule] {
        guard let document = tree("grafana/alerts/\(name)") else { return [] }
        return mappings(document).compactMap { map in
            guard let expression = text(map["expr"]), let name = text(map["alert"]) ?? text(map["record"]) else {
                return nil
            }
            var annotations: [String: String] = [:]
            if case .mapping(let pairs)? = map["annotations"]?.content {
                for pair in pairs { annotations[pair.key] = text(pair.value) }
            }
            return Rule(name: name, isAlert: map["alert"] != nil, expression: expression, annotations: annotations)
        }
    }

    /// JSON is YAML, so dashboards are read the same way.
    static func tree(_ path: String) -> YAMLNode? {
        let text = contents("\(root)/\(path)")
        return try? text.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
    }

    static func text(_ node: YAMLNode?) -> String? {
        guard case .scalar(let text, _)? = node?.content else { return nil }
        return text
    }

    /// All mappings of a tree, outer ones first.
    static func mappings(_ node: YAMLNode) -> [[String: YAMLNode]] {
        switch node.content {
        case .scalar: []
        case .sequence(let items): items.flatMap(mappings)
        case .mapping(let pairs):
            [Dictionary(pairs.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })]
                + pairs.flatMap { mappings($0.value) }
        }
    }

    static func files(under path: String) -> [String] {
        guard let directory = opendir(path) else { return [path] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { found += files(under: "\(path)/\(name)") }
        }
        return found
    }

    static func contents(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            all += buffer[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }
}
