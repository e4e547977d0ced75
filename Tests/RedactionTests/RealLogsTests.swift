import Bytes
import Glibc
import Redaction
import Testing

/// Real logs of other people's hosts: every line that is touched holds an address or a secret, and no other one is.
@Suite struct RealLogsTests {
    /// How many lines of each file hold one, looked at by a person: addresses of crawlers in user agents, of authors in commits, the
    /// password of a test, and none in all other files.
    private static let touched = [
        "web/elastic-apache_logs.log": 198, "web/alloy-nginx-access-2k.log": 8, "web/lnav-logfile_shop_access_log.0": 2, "json/lnav-gharchive_log.jsonl": 28,
        "logfmt/alloy-pipelinetest-api.log": 10, "gpu-kernel/kmsg.1.log": 1,
        "gpu-kernel/pstore-dmesg-panic.txt": 1,
    ]
    private static let untouched = [
        "json/elastic-nginxplus_json_logs.jsonl", "json/lnav-logfile_caddy_log.0", "json/lnav-logfile_otel_collector.jsonl", "syslog/elastic-auth.log",
        "web/lnav-logfile_uwsgi.0", "multiline/lnav-logfile_laravel.0", "inference/ollama/compass-ollama.log", "inference/ollama/jetson-copilot-ollama.log",
        "inference/llama-server/llama-runner-llama-server.log", "inference/vllm/dgx-spark-vllm.log", "inference/vllm/dgx-spark-gemma4-nvfp4.log",
        "inference/vllm/dgx-spark-qwen38-nvfp4.log", "gpu-kernel/fabricmanager.log", "gpu-kernel/dmesg-oom-xid.iso.log",
    ]

    private static func contents(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return out }
            out += buffer[..<count]
        }
    }

    @Test(arguments: touched.map { ($0.key, $0.value) } + untouched.map { ($0, 0) }) func onlyWhatIsThere(_ name: String, _ expected: Int) throws {
        var roots = ["../shared", "../../shared"]
        if let variable = getenv("TAILRACE_SHARED") { roots.insert(String(cString: variable), at: 0) }
        guard let bytes = roots.lazy.compactMap({ Self.contents("\($0)/corpora/real/\(name)") }).first else {
            print("SKIPPED: no shared data; set TAILRACE_SHARED")
            return
        }
        let bench = try Bench()
        var count = 0
        for line in bytes.split(separator: 0x0A) where bench.redact(Array(line)).0 != .clean { count += 1 }
        #expect(count == expected)
    }
}
