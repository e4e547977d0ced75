import Bytes
import Glibc
import LogConfig
import LogModel
import Metrics
import Redaction
import Testing

@testable import LogPipeline

/// The files in `pipelines/`, run over the files in `samples/`.
@Suite("Shipped pipelines")
struct ShippedPipelineTests {
    static let root = String(
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/"))

    /// The pipeline of a shipped file, with the file's redaction.
    static func bench(_ name: String) throws -> Bench {
        let configuration = try ConfigurationLoader.load(path: "\(root)/pipelines/\(name).yaml")
        let stages = try #require(configuration.scrapeConfigs.first).stages
        return try Bench(stages.map(\.kind), redactor: try configuration.redaction.map { try Redactor($0) })
    }

    static func lines(_ path: String) throws -> [String] {
        let bytes = try #require(contents(path), "\(path) is missing")
        return bytes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("LLM API: metrics by the names that dashboards ask for, in base units")
    func llmAPI() throws {
        let bench = try Self.bench("llm-api")
        _ = bench.run(try Self.lines("\(Self.root)/samples/llm-api.log"), labels: ["job": "llm-api"])
        func sum(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double {
            var total = 0.0
            for line in bench.exposed().split(separator: "\n") where line.hasPrefix(name + "{") {
                guard labels.allSatisfy({ line.contains("\($0.key)=\"\($0.value)\"") }) else { continue }
                total += line.split(separator: " ").last.flatMap { Double($0) } ?? 0
            }
            return total
        }
        // As `samples/llm-api.truth.json` has it: 300 lines, 284 of status 200, 74 slower than 5 s, 105 of one model.
        #expect(sum("llm_requests_total") == 300)
        #expect(sum("llm_requests_total", ["status": "success"]) == 284)
        #expect(sum("llm_requests_total", ["status": "error"]) == 16)
        #expect(sum("llm_requests_total", ["model": "llama-2-7b"]) == 105)
        #expect(sum("llama_requests_total") == 300)
        #expect(sum("llm_inference_requests_total", ["model_name": "llama-2-7b"]) == 105)
        #expect(sum("llm_slow_requests_total") == 74)
        #expect(sum("llm_prompt_tokens_total") + sum("llm_tokens_generated_total") == 86749 + 55377 + 123744 + 90479)
        #expect(sum("llm_input_tokens_total") == sum("llm_prompt_tokens_total"))
        #expect(sum("llm_request_errors_total", ["error_type": "TimeoutError"]) == 4)
        #expect(sum("llm_request_duration_seconds_count") == 300)
        // Seconds: more than 5 of them are as many as are slow, and nothing took an hour.
        #expect(300 - sum("llm_request_duration_seconds_bucket", ["le": "5"]) == 74)
        #expect(sum("llm_inference_latency_seconds_sum") < 300 * 120)
        #expect(bench.exposed(.openMetrics).contains(" # {trace_id=\""))
    }

    @Test("LLM API, the other shape: seconds in latency, errors without a status")
    func llmAPILatency() throws {
        let bench = try Self.bench("llm-api")
        _ = bench.run([
            #"{"model":"m","endpoint":"/v1","latency":5.5,"prompt_tokens":3,"completion_tokens":4}"#,
            #"{"model":"m","endpoint":"/v1","latency":5}"#, #"{"model":"m","endpoint":"/v1","error_type":"TimeoutError"}"#,
            #"{"model":"m","endpoint":"/v1","status":200,"duration_ms":5000}"#, #"{"message":"ready"}"#,
        ])
        #expect(bench.registry.value("llm_requests_total", ["model": "m", "endpoint": "/v1", "status": "success"]) == 3)
        #expect(bench.registry.value("llm_requests_total", ["model": "m", "endpoint": "/v1", "status": "error"]) == 1)
        #expect(bench.registry.value("llm_slow_requests_total", ["model": "m"]) == 1, "5 s is not more than 5 s")
        #expect(bench.exposed().contains(#"llm_request_duration_seconds_sum{endpoint="/v1",model="m"} 15.5"#))
    }

    /// `promtool check metrics` reads the names and help texts as a strict reviewer.
    @Test("promtool has nothing to say about the metrics of a shipped pipeline")
    func promtool() throws {
        guard let tool = Self.tool("promtool") else { return }
        let bench = try Self.bench("llm-api")
        _ = bench.run(try Self.lines("\(Self.root)/samples/llm-api.log"), labels: ["job": "llm-api"])
        let said = try Self.check(bench.exposed(), with: tool)
        #expect(said == "", "\(said)")
    }

    static func tool(_ name: String) -> String? {
        for folder in (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 {
            return "\(folder)/\(name)"
        }
        print("SKIPPED: \(name) is not installed (Debian package prometheus)")
        return nil
    }

    static func check(_ metrics: String, with tool: String) throws -> String {
        let path = "/tmp/tailrace-metrics-\(getpid())-\(UInt32.random(in: 0 ... .max)).txt"
        defer { unlink(path) }
        let file = try #require(fopen(path, "w"))
        fputs(metrics, file)
        fclose(file)
        let pipe = try #require(popen("\(tool) check metrics < \(path) 2>&1 || echo \"status $?\"", "r"))
        var said = ""
        var buffer = [CChar](repeating: 0, count: 4096)
        while fgets(&buffer, 4096, pipe) != nil { said += String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        pclose(pipe)
        return said
    }
}
