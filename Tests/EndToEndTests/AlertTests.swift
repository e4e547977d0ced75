import Bytes
import LogConfig
import LogModel
import Testing

/// The shipped alerts: those in LogQL over an incident, those in PromQL by Prometheus' own tool.
@Suite struct AlertTests {
    struct Rule: Sendable {
        var name: String
        var isAlert: Bool
        var expression: String
    }

    static let rules: [Rule] = {
        let text = Files.read("\(Checkout.root)/grafana/alerts/logql-rules.yaml")
        guard let document = try? text.withView({ view throws(YAMLFailure) in try YAMLParser.parse(view) }) else {
            return []
        }
        return rules(in: document)
    }()

    private static func rules(in node: YAMLNode) -> [Rule] {
        switch node.content {
        case .scalar: return []
        case .sequence(let items): return items.flatMap(rules)
        case .mapping(let pairs):
            func text(_ key: String) -> String? {
                guard case .scalar(let text, _)? = pairs.first(where: { $0.key == key })?.value.content else {
                    return nil
                }
                return text
            }
            if let expression = text("expr"), let name = text("alert") ?? text("record") {
                return [Rule(name: name, isAlert: text("alert") != nil, expression: expression)]
            }
            return pairs.flatMap { rules(in: $0.value) }
        }
    }

    /// Each alert rings while its cause is there and ends after it; records have values.
    @Test func alertsFireAndEnd() throws {
        #expect(Self.rules.count >= 30)
        let incident = Incident()
        let folder = try Scratch()
        let server = try TailraceServer(folder, config: folder.write("week.yaml", Incident.configuration))
        for push in incident.pushes { #expect(try HTTP.push(server.port, json: push).status == 204) }
        func rings(_ rule: Rule, at time: Int64) throws -> Bool {
            let answer = try HTTP.get(
                server.port,
                "/loki/api/v1/query",
                [("query", rule.expression), ("time", "\(time)")]
            )
            #expect(answer.status == 200, "\(rule.name): \(answer.text)")
            return !answer.text.contains(#""result":[]"#)
        }
        for rule in Self.rules {
            switch rule.name {
            // Silence: not while somebody speaks, then for an hour, or for as long as it lasts.
            case "HostSilent":
                #expect(try !rings(rule, at: incident.end))
                #expect(try rings(rule, at: incident.end + 15 * Incident.minute))
                #expect(try !rings(rule, at: incident.end + 90 * Incident.minute))
            case "ServiceSilent":
                #expect(try rings(rule, at: incident.end - 20 * Incident.minute))
                #expect(try !rings(rule, at: incident.end))
                #expect(try rings(rule, at: incident.end + 15 * Incident.minute))
            default:
                #expect(try !rings(rule, at: incident.end - 20 * Incident.minute), "\(rule.name) before its cause")
                #expect(try rings(rule, at: incident.end), "\(rule.name) does not ring")
                #expect(try !rings(rule, at: incident.end + 5 * 24 * 60 * Incident.minute), "\(rule.name) does not end")
            }
        }
    }

    /// A prompt that quotes an Xid, printed by an application into the journal, is no Xid.
    @Test func promptsRaiseNoAlertsOfTheKernel() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder, config: folder.write("week.yaml", Incident.configuration))
        let now = Timestamp.now().nanoseconds
        let quotes = [
            "NVRM: Xid (PCI:0000:99:00): 79, pid=1", "Killed process 1 (x)", "x.service: Scheduled restart job",
            "SXid (PCI:0): 1, Fatal",
        ]
        let values = quotes.flatMap { quote in
            (0..<5).map { "[\"\(now - Int64($0) * Incident.second)\", \"{'prompt': '\(quote)'}\"]" }
        }
        let push =
            #"{"streams": [{"stream": {"job": "gpu-journal", "transport": "stdout", "unit": "llm-api.service"}, "values": [\#(values.joined(separator: ","))]}]}"#
        #expect(try HTTP.push(server.port, json: push).status == 204)
        let kernel = Self.rules.filter {
            ["GpuXidFatal", "GpuFellOffBus", "OomKill", "UnitRestartLoop", "UnitFailed", "NvSwitchFatal"].contains(
                $0.name
            )
        }
        #expect(kernel.count == 6)
        for rule in kernel {
            let answer = try HTTP.get(
                server.port,
                "/loki/api/v1/query",
                [("query", rule.expression), ("time", "\(now)")]
            )
            #expect(answer.text.contains(#""result":[]"#), "\(rule.name): \(answer.text)")
        }
    }

    @Test func promtoolIsContent() throws {
        guard let tool = MetricsTests.tool("promtool") else { return }
        let folder = try Scratch()
        // Days of samples at every minute: minutes of work.
        let thorough = Checkout.isTorture ? [["test", "rules", "prometheus-rules_test.yaml"]] : []
        for arguments in [["check", "rules", "prometheus-rules.yaml"]] + thorough {
            let file = "\(Checkout.root)/grafana/alerts/\(arguments[2])"
            let run = try TailraceProcess(
                [arguments[0], arguments[1], file],
                log: folder.path("\(arguments[0]).log"),
                program: tool
            )
            #expect(run.wait() == 0, "\(run.output)")
        }
    }

    @Test func alertmanagerIsContent() throws {
        guard let tool = MetricsTests.tool("amtool") else { return }
        let folder = try Scratch()
        let run = try TailraceProcess(
            ["check-config", "\(Checkout.root)/samples/alertmanager.yml"],
            log: folder.path("amtool.log"),
            program: tool
        )
        #expect(run.wait() == 0, "\(run.output)")
    }
}
