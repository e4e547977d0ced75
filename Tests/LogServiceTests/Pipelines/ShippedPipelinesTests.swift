import Bytes
import Glibc
import LogConfig
import LogModel
import LogPipeline
import LogService
import Metrics
import Redaction
import Testing

/// Every file in `pipelines/` with its own tests, and over real logs where they are at hand.
@Suite struct ShippedPipelinesTests {
    static let root = String(#filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/"))

    static let tested: [String] = names("pipelines").filter { $0.hasSuffix("_test.yaml") }.map { String($0.dropLast("_test.yaml".count)) }

    static func names(_ folder: String) -> [String] {
        guard let directory = opendir("\(root)/\(folder)") else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            found.append(withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } })
        }
        return found.sorted()
    }

    @Test func allHaveTests() {
        let files = Self.names("pipelines").filter { $0.hasSuffix(".yaml") && !$0.hasSuffix("_test.yaml") }
        let untested = files.filter { !Self.tested.contains(String($0.dropLast(".yaml".count))) }
        // The journal's pipeline has no stages.
        #expect(untested == ["journal.yaml"])
    }

    @Test(arguments: tested) func testsPass(name: String) {
        let report = PipelineTester.run(paths: ["\(Self.root)/pipelines/\(name)_test.yaml"])
        #expect(report.status == 0, "\(report.text)")
        #expect(report.passed > 0)
    }

    /// Lines of known shapes by the file's README, and how many of the rest the pipeline did not know.
    @Test(arguments: [
        ("vllm", "inference/vllm", 0.30), ("llama-server", "inference/llama-server", 0.25), ("ollama", "inference/ollama", 0.60),
    ])
    func realLogs(name: String, folder: String, unparsedShareMax: Double) throws {
        guard let shared = Self.shared else { return }
        let configuration = try ConfigurationLoader.load(path: "\(Self.root)/pipelines/\(name).yaml")
        let job = try #require(configuration.scrapeConfigs.first)
        let registry = Registry()
        var environment = PipelineEnvironment(registry: registry)
        environment.redactor = try configuration.redaction.map { try Redactor($0) }
        let runner = try Pipeline.build(job.stages, environment: environment).makeRunner()
        let output = PipelineOutput(intake: nil, ships: true, redactor: environment.redactor, registry: registry)
        var count = 0
        var offset: UInt64 = 0
        for file in Self.files(in: "\(shared)/corpora/real/\(folder)") {
            for line in Self.lines(file) {
                let bytes = ByteArena()
                bytes.append(line)
                bytes.append(0x0A)
                let end = offset + UInt64(bytes.count)
                let one = LineBatch.Line(start: 0, length: UInt32(line.count), labels: 0, timestamp: Timestamp.now().nanoseconds, end: end)
                runner.process(
                    LineBatch(
                        source: "s", path: "/x", job: 0, labelSets: [Labels([Label("job", ByteString(name))])], bytes: bytes.take(), lines: [one],
                        from: offset, to: SourcePosition(offset: end)), into: output)
                offset = end
                count += 1
            }
            _ = output.take()
        }
        let unparsed = registry.value("log_parse_failures_total") ?? -1
        print("\(name): \(Int(unparsed)) of \(count) real lines unparsed")
        #expect(count > 20)
        #expect(unparsed >= 0 && unparsed <= Double(count) * unparsedShareMax)
    }

    static let shared: String? = {
        for path in [getenv("TAILRACE_SHARED").map { String(cString: $0) } ?? "", "../shared", "../../shared"]
        where !path.isEmpty && access(path + "/corpora/real", R_OK) == 0 { return path }
        print("SKIPPED: no shared data; set TAILRACE_SHARED")
        return nil
    }()

    static func files(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            if name.hasSuffix(".log") { found.append("\(folder)/\(name)") }
        }
        return found.sorted()
    }

    static func lines(_ path: String) -> [[UInt8]] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let n = fread(&buffer, 1, buffer.count, file)
            if n == 0 { break }
            all += buffer[..<n]
        }
        return all.split(separator: 0x0A).map { $0.last == 0x0D ? Array($0.dropLast()) : Array($0) }
    }
}
