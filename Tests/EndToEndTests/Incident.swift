import LogModel

/// Ten bad minutes of one GPU host, in which everything happens that an alert or a panel asks for. They end thirty minutes before now, and nothing
/// follows. A week earlier there are the same requests, for panels that compare.
struct Incident {
    let end: Int64

    static let second: Int64 = 1_000_000_000
    static let minute = 60 * second
    static let week = 7 * 24 * 60 * minute

    /// Of a server that takes lines as old as that.
    static let configuration = "limits: {reject_old_samples: false}\n"

    init(now: Timestamp = .now()) { end = now.nanoseconds - 30 * Self.minute }

    private typealias Stream = (labels: [(String, String)], lines: [String])

    private static let streams: [Stream] = {
        func api(_ level: String) -> [(String, String)] {
            [("job", "llm-api"), ("host", "gpu-01"), ("model", "m"), ("level", level)]
        }
        func journal(_ unit: String, _ transport: String) -> [(String, String)] {
            [("job", "gpu-journal"), ("host", "gpu-01"), ("unit", unit), ("transport", transport)]
        }
        func other(_ job: String, _ level: String) -> [(String, String)] {
            [("job", job), ("host", "gpu-01"), ("level", level)]
        }
        func times(_ count: Int, _ line: (Int) -> String) -> [String] { (0..<count).map(line) }
        let ids = { (n: Int) in #""request_id": "r\#(n)", "trace_id": "t\#(n)""# }
        return [
            (
                api("INFO"),
                times(100) {
                    #"{"status": 200, "duration_ms": \#(900 + $0), "ttft_ms": 100, "prompt_tokens": 10, "completion_tokens": 21, "tokens": 31, "user_id": "u1", "endpoint": "/v1/completions", \#(ids($0))}"#
                }
            ),
            (
                api("INFO"),
                times(30) {
                    #"{"message": "Queue status", "queue_depth": \#(120 + $0), "active_requests": 4, "slots_available": 0}"#
                }
            ),
            (api("INFO"), times(3) { #"{"message": "mail from [REDACTED:email] \#($0)"}"# }),
            (
                api("ERROR"),
                times(300) {
                    #"{"status": 500, "error_type": "TimeoutError", "duration_ms": \#(9_000 + $0), "ttft_ms": 3000, "prompt_tokens": 10, "completion_tokens": 5, "tokens": 15, "user_id": "u2", \#(ids(1_000 + $0))}"#
                }
            ),
            // Without a status: an application that tells an error's type alone.
            (
                api("ERROR"),
                times(20) {
                    #"{"message": "LLM request failed", "error_type": "OutOfMemoryError", "error_message": "CUDA out of memory", "n": \#($0)}"#
                }
            ),
            // Turned away in no time: that makes no service fast.
            (api("WARNING"), times(3_600) { #"{"status": 429, "duration_ms": 7, "n": \#($0)}"# }),
            (
                other("vllm", "INFO"),
                times(60) {
                    "(APIServer pid=1) INFO [loggers.py:273] Engine 000: Avg prompt throughput: 6.8 tokens/s, Avg generation throughput: \($0).6 tokens/s, "
                        + "Running: 9 reqs, Waiting: \(150 + $0) reqs, GPU KV cache usage: 99.5%, Prefix cache hit rate: 8.6%"
                }
            ),
            (
                other("vllm", "ERROR"),
                times(3) {
                    "(APIServer pid=1) ERROR [async_llm.py:704] EngineDeadError: EngineCore encountered an issue (\($0))."
                }
            ),
            (
                other("vllm", "DEBUG"),
                times(3) { "DEBUG Request chatcmpl-\($0) details: prompt: [DROPPED], prompt_token_ids: [1]" }
            ),
            ([("job", "vllm"), ("host", "gpu-01")], times(3) { "a line of a shape that nobody knows \($0)" }),
            (
                other("nginx-json", "ERROR"),
                times(100) {
                    #"{"status":\#($0 % 2 == 0 ? 502 : 200),"request_uri":"/v1/completions","request_time":1.5,"request_id":"n\#($0)"}"#
                }
            ),
            (other("litellm", "ERROR"), times(100) { #"{"message": "call failed", "level": "ERROR", "n": \#($0)}"# }),
            (
                other("triton", "ERROR"),
                times(3) { "E0203 04:05:07.00000\($0) 1 model_lifecycle.cc:654] failed to load:\nno such model" }
            ),
            (other("uvicorn", "ERROR"), times(20) { "ERROR:    Exception in ASGI application\nValueError: \($0)" }),
            (
                journal("", "kernel"),
                times(12) { "NVRM: Xid (PCI:0000:04:00): 31, pid=\($0), name=python3, Ch 00000010" }
            ),
            (
                journal("", "kernel"),
                times(3) {
                    "NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus (\($0))."
                }
            ),
            (
                journal("", "kernel"),
                times(3) {
                    "NVRM: Xid (PCI:0000:05:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required) \($0)"
                }
            ),
            (
                journal("", "kernel"),
                times(3) { "nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 20034, Fatal, Link 32 (\($0))" }
            ),
            (
                journal("", "kernel"),
                times(3) { "Memory cgroup out of memory: Killed process \($0) (python3) total-vm:1kB, anon-rss:1kB" }
            ),
            (
                journal("init.scope", "journal"),
                times(12) { "vllm.service: Scheduled restart job, restart counter is at \($0)." }
            ),
            (journal("init.scope", "journal"), times(3) { "vllm\($0).service: Failed with result 'oom-kill'." }),
            (
                journal("nvidia-fabricmanager.service", "stdout"),
                times(3) {
                    "[Feb 03 2026 04:05:0\($0)] [ERROR] [tid 1803] detected NVSwitch fatal error 20034 on fid 0 on NVSwitch pci bus id 0000:05:00.0"
                }
            ),
        ]
    }()

    /// As bodies of pushes, one for each kind of line.
    var pushes: [String] {
        Self.streams.flatMap { stream in
            let old = stream.labels.contains { $0.1 == "llm-api" } ? [push(stream, end: end - Self.week)] : []
            return [push(stream, end: end)] + old
        }
    }

    /// Lines at even distances, the last one at the end.
    private func push(_ stream: Stream, end: Int64) -> String {
        let step = 10 * Self.minute / Int64(stream.lines.count)
        let labels = stream.labels.filter { !$0.1.isEmpty }.map { "\(quoted($0.0)): \(quoted($0.1))" }
        let last = stream.lines.count - 1
        let values = stream.lines.enumerated().map {
            "[\"\(end - Int64(last - $0.offset) * step)\", \(quoted($0.element))]"
        }
        return
            #"{"streams": [{"stream": {\#(labels.joined(separator: ", "))}, "values": [\#(values.joined(separator: ", "))]}]}"#
    }

    private func quoted(_ text: String) -> String {
        var out = "\""
        for character in text {
            switch character {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            default: out.append(character)
            }
        }
        return out + "\""
    }
}
