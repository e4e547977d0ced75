import Bytes
import LogModel

/// Log lines of an LLM API as a Python service with a JSON formatter writes them: the shape of `samples/`.
///
/// Deterministic in the seed. Counts what it wrote, so that tests can hold a store's answers against it.
package struct SampleGenerator: Sendable {
    package struct Options: Sendable {
        package var lines = 3_000
        package var seed: UInt64 = 7
        /// Time of the first line; the others follow at random distances of `interval` on average, nanoseconds.
        package var start: Timestamp
        package var interval: Int64 = 1_000_000_000
        /// Share of lines with planted personal data.
        package var secretShare = 0.03

        package init(start: Timestamp) { self.start = start }
    }

    /// What the lines hold: the answers a store must give.
    package struct Truth: Sendable, Equatable {
        package var lines = 0
        package var byLevel: [String: Int] = [:]
        package var byModel: [String: Int] = [:]
        package var byStatus: [Int: Int] = [:]
        package var tokensByModel: [String: Int] = [:]
        package var slowRequests = 0
        package var secrets: [PlantedSecret] = []
        package var last = Timestamp.min
    }

    private let options: Options
    private var random: SeededRandom
    private var time: Int64
    package private(set) var truth = Truth()

    package init(_ options: Options) {
        self.options = options
        random = SeededRandom(seed: options.seed)
        time = options.start.nanoseconds
    }

    private static let models = [("llama-2-7b", 5), ("llama-2-13b", 3), ("llama-2-70b", 2), ("llama-3-8b-instruct", 3)]
    private static let endpoints = [("/v1/chat/completions", 8), ("/v1/completions", 2), ("/v1/embeddings", 1)]
    private static let outcomes: [(Int, Int)] = [(200, 940), (429, 25), (400, 15), (499, 8), (500, 12)]
    /// The engine of the last lines fails often: who looks at "now" has something to find.
    private static let incident: [(Int, Int)] = [(200, 800), (429, 50), (400, 15), (499, 35), (500, 100)]
    private static let questions = [
        "Explain the difference between a mutex and a semaphore to a first-year student.",
        "Summarise this thread in three bullet points and keep the names of the libraries.",
        "How many litres of paint do I need for a room of 4.2 by 3.6 metres, two coats?",
        "Write a haiku about a garbage collector that never sleeps.",
        "Which of these two contracts shifts more liability to the supplier, and where?",
        "Translate the release notes into German, but leave code blocks as they are.",
        "Why does my kernel print \"Xid 79\" and what should I do about the GPU?",
    ]

    /// The next line, without newline.
    package mutating func next(into out: ByteArena) {
        next(at: Timestamp(nanoseconds: time + Int64(Double(options.interval) * 2 * random.fraction())), into: out)
    }

    /// The next line with a time given from outside.
    package mutating func next(at moment: Timestamp, into out: ByteArena) {
        time = moment.nanoseconds
        let model = random.pick(weighted: Self.models)
        let isIncident = truth.lines >= options.lines - options.lines / 12
        let status = random.pick(weighted: isIncident ? Self.incident : Self.outcomes)
        let level = status >= 500 ? "ERROR" : status >= 400 ? "WARNING" : "INFO"
        let scale = model == "llama-2-70b" ? 4.0 : model == "llama-2-13b" ? 2.0 : 1.0
        // Log-normal-like latencies: the product of uniform numbers has a long tail.
        let duration = Int(scale * 400 / max(0.02, random.fraction() * random.fraction() * 2))
        let prompt = 20 + random.below(2_000)
        let completion = status == 200 ? 10 + random.below(400) : 0

        truth.lines += 1
        truth.byLevel[level, default: 0] += 1
        truth.byModel[model, default: 0] += 1
        truth.byStatus[status, default: 0] += 1
        truth.tokensByModel[model, default: 0] += prompt + completion
        if duration > 5_000 { truth.slowRequests += 1 }
        truth.last = Timestamp(nanoseconds: time)

        var question = random.pick(Self.questions)
        if random.fraction() < options.secretShare {
            let secret = PlantedSecret.make(random.pick(PlantedSecret.Kind.allCases), &random)
            truth.secrets.append(secret)
            question += random.pick([" My contact is ", " Use \u{201C}", "\nSee "]) + secret.value + random.pick([".", " please", "\n"])
        }

        out.append("{\"timestamp\": \"")
        CivilTime.writeSeconds(time, into: out)
        out.append("\", \"level\": \"\(level)\", \"message\": \"\(Self.message(status))\", \"module\": \"api\", ")
        out.append("\"function\": \"chat_completion\", \"line\": 123, \"request_id\": \"req_\(random.hex(16))\", ")
        out.append("\"user_id\": \"user_\(random.below(900) + 100)\", \"model\": \"\(model)\", ")
        out.append("\"endpoint\": \"\(random.pick(weighted: Self.endpoints))\", \"status\": \(status), ")
        out.append("\"duration_ms\": \(duration), \"ttft_ms\": \(duration / 9), \"prompt_tokens\": \(prompt), ")
        out.append("\"completion_tokens\": \(completion), \"tokens\": \(prompt + completion), ")
        out.append("\"trace_id\": \"\(random.hex(32))\", \"client_ip\": \"203.0.113.\(random.below(254) + 1)\", ")
        out.append("\"host\": \"gpu-0\(1 + random.below(2))\", \"prompt\": \"")
        PythonJSON.escape(question, into: out)
        out.append("\"")
        if status == 500 {
            out.append(", \"error_type\": \"TimeoutError\", \"error_message\": \"engine did not answer in time\"")
        }
        out.append("}")
    }

    private static func message(_ status: Int) -> String {
        switch status {
        case 200: "Request completed"
        case 429: "Rate limit exceeded"
        case 400: "Invalid request"
        case 499: "Client disconnected"
        default: "Request failed"
        }
    }
}

/// JSON strings as Python's `json.dumps` writes them by default: everything outside ASCII as `\uXXXX`, in surrogate
/// pairs where needed. Redaction must see through that.
enum PythonJSON {
    static func escape(_ text: String, into out: ByteArena) {
        for unit in text.utf16 {
            switch unit {
            case 0x22: out.append("\\\"")
            case 0x5C: out.append("\\\\")
            case 0x0A: out.append("\\n")
            case 0x0D: out.append("\\r")
            case 0x09: out.append("\\t")
            case 0x20..<0x7F: out.append(UInt8(unit))
            default:
                let digits = String(unit, radix: 16)
                out.append("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
            }
        }
    }
}

/// Times in the proleptic Gregorian calendar, UTC.
package enum CivilTime {
    /// Appends `2026-11-21T10:15:30.123456`, as Python's `isoformat()` without a zone.
    static func writeSeconds(_ nanoseconds: Int64, into out: ByteArena) {
        let micros = nanoseconds / 1_000
        let seconds = micros / 1_000_000
        let date = date(ofDay: seconds / 86_400)
        let clock = seconds % 86_400
        pad(Int64(date.year), 4, out)
        out.append("-")
        pad(Int64(date.month), 2, out)
        out.append("-")
        pad(Int64(date.day), 2, out)
        out.append("T")
        pad(clock / 3_600, 2, out)
        out.append(":")
        pad(clock / 60 % 60, 2, out)
        out.append(":")
        pad(clock % 60, 2, out)
        out.append(".")
        pad(micros % 1_000_000, 6, out)
    }

    private static func pad(_ value: Int64, _ width: Int, _ out: ByteArena) {
        let digits = String(value)
        for _ in 0..<max(0, width - digits.utf8.count) { out.append(UInt8(ascii: "0")) }
        out.append(digits)
    }

    /// Howard Hinnant's `civil_from_days`, for days since 1970-01-01.
    static func date(ofDay day: Int64) -> (year: Int, month: Int, day: Int) {
        let z = day + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(dayOfYear - (153 * shifted + 2) / 5 + 1))
    }
}
