import Bytes
import Glibc
import LogModel
import LogService
import Testing

/// `tailrace report` against what samples are known to hold.
@Suite struct ReportCommandTests {
    private static let sample = "\(Checkout.root)/samples/llm-api.log"

    private static func report(_ folder: Scratch, _ words: [String]) throws -> ReportAnswer {
        let run = try TailraceProcess.run(["report"] + words + ["-o", "json"], in: folder)
        return try ReportAnswer(run.output, status: run.status)
    }

    /// Truth: 284 of 300 succeed, 4 fail, 12 have statuses that do not count; 74 take longer than 5 s.
    @Test func aFileIsReportedOnAsItsTruthSays() throws {
        let folder = try Scratch()
        let slo = try Self.report(folder, ["slo", Self.sample])
        #expect(slo.status == 0 && slo.figures["requests"] == 300 && slo.figures["requests_failed"] == 4)
        #expect(slo.figures["requests_excluded"] == 12 && slo.figures["requests_counted"] == 288)
        let burn: Double = 4.0 / 288 / 0.001
        #expect(Self.isClose(slo.figures["availability_percent"], 284.0 / 2.88))
        #expect(Self.isClose(slo.figures["burn_rate"], burn))
        #expect(Self.isClose(slo.figures["hours_to_exhaustion"], 720 / burn))
        #expect(slo.rows("statuses", "status", "requests") == ["200": 284, "400": 7, "429": 1, "499": 4, "500": 4])
        let strict = try Self.report(folder, ["slo", Self.sample, "--exclude-status", "none", "--availability", "100"])
        #expect(Self.isClose(strict.figures["availability_percent"], 284.0 / 3))
        #expect(strict.figures["error_budget_remaining_percent"] == nil && strict.figures["burn_rate"] == nil)

        let latency = try Self.report(folder, ["latency", Self.sample])
        #expect(latency.figures["requests"] == 300 && latency.figures["requests_slow"] == 74)
        #expect(Self.isClose(latency.figures["requests_within_percent"], 226.0 / 3))
        let lines = Files.read(Self.sample).split(separator: "\n")
        let users = Set(lines.compactMap { Self.field("user_id", $0) })
        let slow = Set(lines.filter { (Self.number("duration_ms", $0) ?? 0) > 5_000 }.compactMap { Self.field("user_id", $0) })
        #expect(latency.figures["users"] == Double(users.count))
        let share = Double(users.count - slow.count) / Double(users.count) * 100
        #expect(Self.isClose(latency.figures["users_within_percent"], share))
        // The parts add up to the whole.
        for row in latency.table("parts") {
            let numbers = row.compactMapValues { Double($0) }
            let parts = (numbers["first_token_ms"] ?? 0) + (numbers["decode_ms"] ?? 0)
            #expect(Self.isClose(numbers["mean_ms"], parts))
        }

        let cost = try Self.report(folder, ["cost", Self.sample, "--prices", "\(Checkout.root)/samples/prices.yaml"])
        let tokens = ["llama-2-13b": 86_749.0, "llama-2-70b": 55_377, "llama-2-7b": 123_744, "llama-3-8b-instruct": 90_479]
        #expect(cost.rows("models", "model", "tokens") == tokens)
        let price: Double = 86.749 * 0.0002 + 55.377 * 0.001 + 123.744 * 0.0001
        #expect(Self.isClose(cost.figures["cost_usage"], price))
        #expect(cost.figures["tokens_unpriced"] == 90_479)
        #expect(cost.rows("hosts", "host", "hours")["gpu-01"] != nil && cost.text.contains("llama-3-8b-instruct"))
        #expect(cost.rows("days", "day", "tokens") == ["2026-11-01": 356_349])
        // Too little to tell anything of capacity, and it is said.
        let capacity = try Self.report(folder, ["capacity", Self.sample])
        #expect(capacity.status == 1 && capacity.text.contains("Capacity cannot be told"), "\(capacity.text)")
    }

    /// A server, its directory, and the file itself give one answer.
    @Test func aServerItsDirectoryAndFilesAgree() throws {
        let folder = try Scratch()
        let (path, _) = SamplesToQueryTests.samples(folder, lines: 2_000)
        let server = try TailraceServer(folder)
        let config = SamplesToQueryTests.promtail(folder, path: path, url: server.url)
        #expect(try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder).status == 0)
        let range = ["--from", "2026-11-01T00:00:00Z", "--to", "2026-11-01T01:00:00Z"]
        for kind in ["slo", "latency", "cost", "drift"] {
            let extra = kind == "drift" ? ["--baseline-from", "2026-11-01T00:00:00Z", "--baseline-to", "2026-11-01T00:02:00Z"] : []
            let online = try Self.report(folder, [kind, "--addr", server.url] + range + extra)
            let file = try Self.report(folder, [kind, path] + range + extra)
            #expect(online.status == 0 && file.status == 0, "\(kind): \(online.text)")
            #expect(online.figures == file.figures && online.tables == file.tables, "\(kind):\n\(online.text)\n\(file.text)")
        }
        try server.flush()
        server.stop()
        let stored = try Self.report(folder, ["slo", "--store", server.data] + range)
        let file = try Self.report(folder, ["slo", path] + range)
        #expect(stored.figures == file.figures && stored.tables == file.tables)
        let away = try TailraceProcess.run(["report", "slo", "--addr", server.url], in: folder)
        #expect(away.status == 2 && away.output.contains("Is the server running?"))
    }

    @Test func noDataIsSaidAndIsNot100Percent() throws {
        let folder = try Scratch()
        let path = folder.write("other.log", #"{"timestamp":"2026-11-01T00:00:00","message":"hello"}"# + "\n")
        for kind in ["slo", "latency", "cost", "capacity", "drift"] {
            let report = try Self.report(folder, [kind, path])
            #expect(report.status == 1 && report.text.contains("No data"), "\(kind): \(report.text)")
            #expect(report.figures["availability_percent"] == nil)
        }
        #expect(try TailraceProcess.run(["report", "slo", folder.path("none")], in: folder).status == 2)
        #expect(try TailraceProcess.run(["report", "slo", path, "-o", "pdf"], in: folder).status == 2)
        #expect(try TailraceProcess.run(["report", "slo", path, "--store", "x"], in: folder).status == 2)
        #expect(try TailraceProcess.run(["report", "slo", path, "--selector", "{job="], in: folder).status == 2)
        #expect(try TailraceProcess.run(["report", "cost", path, "--zone", "Mars/Olympus"], in: folder).status == 2)
    }

    /// Both shapes of a request, lines that are no JSON, hostile names, addresses for user ids, scores.
    @Test func oddLinesAreTakenForWhatTheyAre() throws {
        let folder = try Scratch()
        var lines: [String] = ["plain text first"]
        lines.append(
            #"{"timestamp":"2026-11-01T00:00:00Z","model":"m<b>","status":200,"duration_ms":100,"prompt_tokens":10,"#
                + #""completion_tokens":5,"tokens":15,"user_id":"alice@example.com","score":0.5,"feedback":"up","flagged":false}"#)
        lines += (1...9).map {
            #"{"timestamp":"2026-11-01T00:00:0\#($0)Z","model":"m<b>","latency":\#($0),"total_tokens":100,"user_id":"u\#($0)","score":1,"feedback":"down","flagged":true}"#
        }
        lines += [#"{"timestamp":"2026-11-01T00:01:00Z","model":"m<b>","error_type":"Boom"}"#, "Traceback (most recent call last)", #"{"status": 200"#]
        let path = folder.write("odd.log", lines.joined(separator: "\n") + "\n")
        let slo = try Self.report(folder, ["slo", path])
        #expect(slo.figures["requests"] == 11 && slo.figures["requests_failed"] == 1, "\(slo.text)")
        // 100 ms, 1 s and 2 s are within 2 s; 3 s to 9 s are not.
        #expect(slo.figures["latency_share_percent"] == 30)
        #expect(slo.text.contains("lines that are no JSON objects are left out"))
        #expect(slo.table("quality").first?["mean_score"] == "0.95" && slo.table("quality").first?["positive_percent"] == "10.0")
        #expect(slo.table("quality").first?["flagged_percent"] == "90.0")
        let cost = try Self.report(folder, ["cost", path, "--explain"])
        #expect(cost.figures["tokens"] == 915 && cost.figures["tokens_unsplit"] == 900 && cost.figures["tokens_input"] == 10, "\(cost.text)")
        #expect(!cost.text.contains("alice") && !cost.text.contains("example.com"))
        #expect(cost.rows("users", "user", "tokens")["u3"] == 100)
        let page = try TailraceProcess.run(["report", "slo", path, "-o", "html"], in: folder)
        #expect(page.status == 0 && page.output.contains("m&lt;b&gt;") && !page.output.contains("m<b>") && !page.output.contains("<script"))
        let csv = try TailraceProcess.run(["report", "cost", path, "-o", "csv", "--table", "days"], in: folder)
        #expect(csv.output.hasPrefix("day,requests,tokens,cost,tokens_unpriced\r\n2026-11-01,10,915"), "\(csv.output)")
        // Nothing is left behind.
        #expect(try TailraceProcess.run(["report", "slo", path, "--table", "x", "-o", "csv"], in: folder).status == 2)
    }

    /// Four hours in which load goes up and down; above 4 requests a second they wait for each other, or do not.
    @Test func aKneeIsFoundWhereThereIsOne() throws {
        let folder = try Scratch()
        func log(_ name: String, _ latency: (Double) -> Double) -> String {
            var random = SeededRandom(seed: 3)
            var text = ""
            for minute in 0..<240 {
                let place = minute % 60 < 30 ? minute % 30 : 29 - minute % 30
                let count = 60 + place * 10
                for i in 0..<count {
                    let at = 1_793_491_200_000 + minute * 60_000 + i * 60_000 / count
                    let noise = 0.8 + 0.4 * Double(random.next() >> 11) / 9_007_199_254_740_992
                    text += #"{"ts":\#(at),"status":200,"duration_ms":\#(Int(latency(Double(count) / 60) * noise))}"# + "\n"
                }
            }
            return folder.write(name, text)
        }
        let bent = try Self.report(folder, ["capacity", log("bent.log") { 300 + 2_000 * max(0, $0 - 4) }])
        let knee = bent.figures["knee"] ?? 0
        #expect(bent.status == 0 && knee > 3.6 && knee < 4.4, "\(bent.text.prefix(2_000))")
        #expect((bent.figures["knee_low"] ?? 9) <= 4.2 && (bent.figures["knee_high"] ?? 0) >= 3.8)
        let flat = try Self.report(folder, ["capacity", log("flat.log") { 300 + 5 * $0 }])
        #expect(flat.status == 1 && flat.text.contains("never saturates") && flat.figures["knee"] == nil, "\(flat.text.prefix(2_000))")
    }

    /// Twice as long prompts are a large change; the same ones are none. Against a window, and against a stored baseline.
    @Test func driftIsSeenAgainstATimeAndAgainstAFile() throws {
        let folder = try Scratch()
        var random = SeededRandom(seed: 9)
        var text = ""
        for i in 0..<9_000 {
            let base = 20 + Int(random.next() % 200)
            let prompt = i < 6_000 ? base : base * 3
            text += #"{"ts":\#(1_793_491_200_000 + i * 1_000),"model":"m","prompt_tokens":\#(prompt),"completion_tokens":\#(20 + Int(random.next() % 200))}"# + "\n"
        }
        let path = folder.write("lengths.log", text)
        let (a, b, c, d) = ("1793491200", "1793494200", "1793497200", "1793500200")
        let moved = try Self.report(folder, ["drift", path, "--from", c, "--to", d, "--baseline-from", a, "--baseline-to", c])
        let verdicts = Dictionary(moved.table("drift").map { ($0["what"] ?? "", $0["verdict"] ?? "") }, uniquingKeysWith: { x, _ in x })
        #expect(moved.status == 0 && verdicts == ["prompt": "large", "completion": "stable"], "\(moved.text)")
        let same = try Self.report(folder, ["drift", path, "--from", b, "--to", c, "--baseline-from", a, "--baseline-to", b])
        #expect((same.figures["largest_psi"] ?? 1) < 0.1, "\(same.text)")
        let file = folder.path("baseline.json")
        let saved = try Self.report(folder, ["drift", path, "--from", a, "--to", c, "--save-baseline", file])
        #expect(saved.status == 0 && saved.rows("baseline", "model", "prompts") == ["m": 6_000])
        let against = try Self.report(folder, ["drift", path, "--from", c, "--to", d, "--baseline", file])
        #expect(against.figures["largest_psi"] == moved.figures["largest_psi"] && against.tables["drift"] == moved.tables["drift"])
        let few = try Self.report(folder, ["drift", path, "--from", c, "--to", "1793497230", "--baseline", file])
        #expect(few.status == 1 && few.text.contains("Too few requests"), "\(few.text)")
    }

    /// The generator beside some checkouts knows what it wrote: 20,000 lines in both shapes, among lines that are no requests.
    @Test(.enabled(if: Checkout.shared != nil, "the generator of large logs is not beside this checkout"))
    func theGeneratorsTruthIsFound() throws {
        let folder = try Scratch()
        let shared = try #require(Checkout.shared)
        let (path, truth) = (folder.path("api.log"), folder.path("truth.json"))
        let words = "--lines 20000 --seed 11 --profile llm-api --hosts 3 --models 4 --rate 30 --start 2026-11-10T22:00:00 --quiet"
        _ = try Shell.run(
            "/bin/sh", ["-c", "python3 '\(shared)/corpora/loggen.py' \(words) --out '\(path)' --truth '\(truth)'"])
        let known = try ReportAnswer(Files.read(truth), status: 0)
        let cost = try Self.report(folder, ["cost", path])
        #expect(cost.rows("models", "model", "tokens") == known.numbers(["sums", "tokens"]))
        #expect(cost.rows("models", "model", "tokens_input") == known.numbers(["sums", "prompt_tokens"]))
        let all = known.numbers(["sums", "tokens"]).values.reduce(0, +)
        #expect(cost.rows("days", "day", "tokens").values.reduce(0, +) == all)
        let slo = try Self.report(folder, ["slo", path])
        var statuses = known.numbers(["by", "status"])
        statuses["success"] = known.numbers(["by", "kind"])["llm_service_success"]
        #expect(slo.rows("statuses", "status", "requests") == statuses)
        // Those that log seconds have no duration in the truth.
        let latency = try Self.report(folder, ["latency", path, "--field", "latency=nothing"])
        let measured = known.numbers(["sums", "duration_count"]).values.reduce(0, +)
        let slow = known.numbers(["sums", "slow_gt_5000ms"]).values.reduce(0, +)
        #expect(latency.figures["requests"] == measured && latency.figures["requests_slow"] == slow)
        let minutes = try Self.report(folder, ["capacity", path, "--field", "latency=nothing"]).rows("minutes", "minute", "p95_ms")
        let exact = known.minutes("p95_ms")
        #expect(minutes.count > 5)
        for (minute, p95) in minutes { #expect(Self.isClose(exact[minute], p95), "\(minute)") }
    }

    private static func isClose(_ found: Double?, _ expected: Double) -> Bool {
        found.map { abs($0 - expected) < 1e-4 } ?? false
    }

    private static func field(_ name: String, _ line: Substring) -> String? {
        guard let start = line.range(of: "\"\(name)\": \"")?.upperBound else { return nil }
        return String(line[start...].prefix { $0 != "\"" })
    }

    private static func number(_ name: String, _ line: Substring) -> Int? {
        guard let start = line.range(of: "\"\(name)\": ")?.upperBound else { return nil }
        return Int(line[start...].prefix { $0.isNumber })
    }
}

/// A report in JSON, or anything else in JSON, as values.
struct ReportAnswer {
    let status: Int32
    let text: String
    /// Those that are numbers.
    private(set) var figures: [String: Double] = [:]
    private(set) var tables: [String: [[String: String]]] = [:]
    private let bytes: OwnedBytes
    private let document: JSONDocument

    init(_ text: String, status: Int32) throws {
        self.text = text
        self.status = status
        // What went to standard error comes before or behind.
        let start = text.firstIndex(of: "{") ?? text.startIndex
        bytes = OwnedBytes([UInt8](text[start...].utf8))
        var cursor = JSONCursor(capacity: 4096)
        do { try cursor.scan(bytes.view) } catch { throw HarnessError("no JSON: \(text.prefix(2_000))") }
        document = JSONDocument(cursor: cursor, text: bytes.view)
        if let all = document.member("figures", of: 0) {
            for label in document.labels(all).pairs { figures[label.name.string] = Double(label.value.string) }
        }
        if let all = document.member("tables", of: 0) {
            for table in document.labels(all).pairs.map(\.name.string) {
                let items = document.member(table, of: all).map { document.items(of: $0) } ?? []
                tables[table] = items.map { item in
                    Dictionary(document.labels(item).pairs.map { ($0.name.string, $0.value.string) }, uniquingKeysWith: { a, _ in a })
                }
            }
        }
    }

    func table(_ name: String) -> [[String: String]] { tables[name] ?? [] }

    /// One column of numbers by another of names.
    func rows(_ table: String, _ name: String, _ value: String) -> [String: Double] {
        Dictionary(
            self.table(table).compactMap { row in row[value].flatMap(Double.init).map { (row[name] ?? "", $0) } },
            uniquingKeysWith: { a, _ in a })
    }

    /// The numbers of an object at a path.
    func numbers(_ path: [String]) -> [String: Double] {
        var at = 0
        for key in path {
            guard let next = document.member(key, of: at) else { return [:] }
            at = next
        }
        return Dictionary(
            document.labels(at).pairs.compactMap { pair in Double(pair.value.string).map { (pair.name.string, $0) } },
            uniquingKeysWith: { a, _ in a })
    }

    /// A figure of the generator's minutes, by minute.
    func minutes(_ name: String) -> [String: Double] {
        guard let list = document.member("minutes", of: 0) else { return [:] }
        var found: [String: Double] = [:]
        for item in document.items(of: list) {
            let labels = document.labels(item)
            if let time = labels["t"], let value = labels[ByteString(name)] { found[time.string] = Double(value.string) }
        }
        return found
    }
}
