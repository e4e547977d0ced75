import Bytes
import LogModel
import Redaction
import Testing

/// Values by where they stand, in documents, in documents in strings, in text and in pairs.
@Suite struct FieldTests {
    private func bench(_ paths: [String], _ mode: RedactionSettings.Mode = .mask, _ change: (inout RedactionSettings) -> Void = { _ in }) throws -> Bench {
        var settings = RedactionSettings()
        settings.fields = paths.map { .init(path: $0, name: "prompt", mode: mode) }
        settings.keys = [PseudonymTests.key]
        change(&settings)
        return try Bench(settings)
    }

    @Test(arguments: [
        (#"{"messages":[{"role":"user","content":"hi"}],"model":"m"}"#, #"{"messages":[{"role":"user","content":"[P]"}],"model":"m"}"#),
        (#"{"a":{"messages":[{"content":"hi"},{"content":"ho"}]}}"#, #"{"a":{"messages":[{"content":"[P]"},{"content":"[P]"}]}}"#),
        (#"{"messages":[{"content":[{"type":"text","text":"hi"}],"role":"user"}]}"#, #"{"messages":[{"content":"[P]","role":"user"}]}"#),
        (#"{"messages":[{"content":null},{"content":""},{"content":7}]}"#, #"{"messages":[{"content":null},{"content":""},{"content":"[P]"}]}"#),
        (#"{"content":"hi","messages":"no list"}"#, #"{"content":"hi","messages":"no list"}"#),
        (#"{"messages":[{"cont\u0065nt":"hi"}]}"#, #"{"messages":[{"cont\u0065nt":"[P]"}]}"#),
        (#"{"messages.0.content":"hi","x":1}"#, #"{"messages.0.content":"[P]","x":1}"#),
        // Documents in strings, twice too.
        (#"{"body":"{\"messages\":[{\"content\":\"hi\",\"role\":\"user\"}]}"}"#, #"{"body":"{\"messages\":[{\"content\":\"[P]\",\"role\":\"user\"}]}"}"#),
        (#"{"body":"{\"messages\":[{\"content\":[1]}]}"}"#, #"{"body":"{\"messages\":[{\"content\":\"[P]\"}]}"}"#),
        (#"{"b":"{\"c\":\"{\\\"messages\\\":[{\\\"content\\\":{}}]}\"}"}"#, #"{"b":"{\"c\":\"{\\\"messages\\\":[{\\\"content\\\":\\\"[P]\\\"}]}\"}"}"#),
        (#"{"messages":"[{\"content\":\"hi\"}]"}"#, #"{"messages":"[{\"content\":\"[P]\"}]"}"#),
        (#"{"m":"\"{\\\"messages\\\":[{\\\"content\\\":\\\"hi\\\"}]}\""}"#, #"{"m":"\"{\\\"messages\\\":[{\\\"content\\\":\\\"[P]\\\"}]}\""}"#),
        // A percent sign is no escape of JSON.
        (#"{"body":"{\"messages\":[{\"content\":\"50%22 x\",\"n\":1}]}"}"#, #"{"body":"{\"messages\":[{\"content\":\"[P]\",\"n\":1}]}"}"#),
        // In text.
        (#"INFO [x] body={"messages":[{"content":"hi"}]} done"#, #"INFO [x] body={"messages":[{"content":"[P]"}]} done"#),
        (#"{"m":"got {\"messages\":[{\"content\":\"hi\"}]} ok"}"#, #"{"m":"got {\"messages\":[{\"content\":\"[P]\"}]} ok"}"#),
        // Cut off: what the key says is enough.
        (#"{"messages":[{"role":"user","content":"hi, I am"#, #"{"messages":[{"role":"user","content":"[P]"#),
        (#"{"messages":[{"content":"a \" b"},{"content":"c"#, #"{"messages":[{"content":"[P]"},{"content":"[P]"#),
        (#"{"body":"{\"messages\":[{\"content\":\"hi, I","n":1}"#, #"{"body":"{\"messages\":[{\"content\":\"[P]","n":1}"#),
    ])
    func contentOfMessages(_ line: String, _ expected: String) throws {
        let bench = try bench(["messages[*].content"])
        let wanted = expected.split(separator: "[P]", omittingEmptySubsequences: false).joined(separator: "[REDACTED:prompt]")
        #expect(bench(line) == wanted)
        #expect(bench.redact(Array(wanted.utf8)).0 == .clean, "\(bench(wanted))")
    }

    @Test(arguments: [
        (#"{"gen_ai.prompt":"hi","n":1}"#, #"{"n":1}"#), (#"{"n":1,"gen_ai":{"prompt":"hi","system":"x"}}"#, #"{"n":1,"gen_ai":{"system":"x"}}"#),
        (#"{"attributes":{"gen_ai.prompt":{"a":[1,2]}},"n":1}"#, #"{"attributes":{},"n":1}"#),
        (#"{"gen_ai.prompt":"hi","user":"alice@example.com","n":1}"#, #"{"user":"[REDACTED:email]","n":1}"#),
        (#"{"gen_ai.prompt":"to alice@example.com"}"#, "{}"), (#"{"my_gen_ai.prompt":"hi"}"#, #"{"my_gen_ai.prompt":"hi"}"#),
        (#"{"b":"{\"gen_ai.prompt\":\"hi\",\"n\":1}"}"#, #"{"b":"{\"n\":1}"}"#), (#"{"b":"{\"n\":1,\"gen_ai.prompt\":\"hi\"}"}"#, #"{"b":"{\"n\":1}"}"#),
        (#"INFO body {"gen_ai.prompt":"hi","n":1} done"#, #"INFO body {"n":1} done"#), (#"INFO body={"n":1,"gen_ai.prompt":"hi"} done"#, #"INFO body={"n":1} done"#),
        ("level=info gen_ai.prompt=\"hi there\" n=1", "level=info n=1"), ("gen_ai.prompt=hi", ""),
    ])
    func fieldsAreDropped(_ line: String, _ expected: String) throws {
        let bench = try bench(["gen_ai.prompt"], .dropField)
        #expect(bench(line) == expected)
        #expect(bench(expected) == expected)
    }

    /// A member that a detector drops and one that is a field, side by side.
    @Test func dropsMeet() throws {
        let bench = try bench(["a", "c"], .dropField) { $0.mode = .dropField }
        #expect(bench(#"{"a":"x","b":"bob@example.com","z":1}"#) == #"{"z":1}"#)
        #expect(bench(#"{"b":"bob@example.com","a":"x","z":1}"#) == #"{"z":1}"#)
        #expect(bench(#"{"z":1,"b":"bob@example.com","a":"x","c":{"b":"bob@example.com"}}"#) == #"{"z":1}"#)
    }

    @Test func pseudonymsOfFields() throws {
        let bench = try bench(["$.user"], .pseudonym)
        let one = bench(#"{"user":"u17","n":1}"#)
        #expect(one.hasPrefix(#"{"user":"prompt:k1:"#) && one.hasSuffix(#"","n":1}"#))
        #expect(bench(#"{"user":"u\u00317","n":1}"#) == one)
        #expect(bench("user=u17") == "user=" + one.dropFirst(9).prefix(42))
        #expect(bench(#"{"x":{"user":"u17"}}"#) == #"{"x":{"user":"u17"}}"#)
        #expect(bench.redact(Array(one.utf8)).0 == .clean)
    }

    @Test func detectOnlyCounts() throws {
        let bench = try bench(["prompt"], .detect)
        let line = #"{"prompt":"hi alice@example.com"}"#
        #expect(bench(line) == #"{"prompt":"hi [REDACTED:email]"}"#)
        #expect(bench.scratch.counts.last == 1)
    }

    @Test func metadataOfTheName() throws {
        let bench = try bench(["gen_ai.prompt", "llm.input_messages[*].message.content"])
        #expect(bench.value("hi", name: "gen_ai_prompt") == (.changed, "[REDACTED:prompt]"))
        #expect(bench.value("hi", name: "gen_ai.prompt") == (.changed, "[REDACTED:prompt]"))
        #expect(bench.value("hi", name: "llm_input_messages_0_message_content") == (.changed, "[REDACTED:prompt]"))
        #expect(bench.value("hi", name: "prompt") == (.clean, "hi"))
        #expect(bench.value("hi alice@example.com", name: "x") == (.changed, "hi [REDACTED:email]"))
        #expect(bench.value(#"{"gen_ai.prompt":"hi"}"#, name: "body") == (.changed, #"{"gen_ai.prompt":"[REDACTED:prompt]"}"#))
    }

    /// What people said is gone from the shapes that inference hosts log; who, which model and how much stay.
    @Test(arguments: [
        #"{"model":"M","messages":[{"role":"system","content":"SECRET"},{"role":"user","content":[{"type":"text","text":"SECRET"}]}],"max_tokens":5}"#,
        #"{"model":"M","choices":[{"index":0,"message":{"role":"assistant","content":"SECRET","tool_calls":[{"function":{"name":"f","arguments":"{\"q\":\"SECRET\"}"}}]},"finish_reason":"stop"}],"usage":{"total_tokens":9}}"#,
        #"{"model":"M","choices":[{"text":"SECRET"}]}"#, #"{"choices":[{"delta":{"content":"SECRET"}}],"model":"M"}"#, #"{"model":"M","input":"SECRET","instructions":"SECRET"}"#,
        #"{"model":"M","prompt":["SECRET","SECRET"]}"#, #"{"request":"{\"model\":\"M\",\"prompt\":\"SECRET\"}"}"#,
        #"{"model":"M","attributes":{"gen_ai.prompt.0.role":"user","gen_ai.prompt.0.content":"SECRET","gen_ai.completion":"SECRET"}}"#,
        #"{"model":"M","gen_ai.input.messages":"[{\"role\":\"user\",\"parts\":[{\"content\":\"SECRET\"}]}]"}"#, #"{"traceloop.entity.input":"SECRET","model":"M"}"#,
        #"{"input.value":"SECRET","llm.model_name":"M","llm.input_messages.0.message.content":"SECRET","output":{"value":"SECRET"}}"#,
        #"{"llm":{"output_messages":[{"message":{"role":"assistant","content":"SECRET"}}],"model_name":"M"}}"#,
    ])
    func setsOfInferenceHosts(_ line: String) throws {
        var settings = RedactionSettings(detectors: [.email])
        settings.fields = FieldSet.allCases.flatMap { set in set.paths.map { .init(path: $0, name: set.rawValue) } }
        let bench = try Bench(settings)
        let out = bench(line)
        #expect(!out.contains("SECRET"), "\(out)")
        #expect(out.contains("M"))
        var cursor = JSONCursor()
        #expect(out.withView { text in (try? cursor.scan(text)) != nil }, "\(out)")
        #expect(bench.redact(Array(out.utf8)).0 == .clean, "\(out) => \(bench(out))")
        settings.fields = settings.fields.map { .init(path: $0.path, name: $0.name, mode: .dropField) }
        let dropped = try Bench(settings)(line)
        #expect(!dropped.contains("SECRET") && dropped.withView { text in (try? cursor.scan(text)) != nil }, "\(dropped)")
        #expect(try Bench()(line) == line)
    }

    @Test(arguments: ["", "$", "a..b", "a.", "[0]", "a[1]", "a[*"]) func pathsAreChecked(_ path: String) {
        var settings = RedactionSettings()
        settings.fields = [.init(path: path)]
        #expect(throws: RedactionError.self) { try Redactor(settings) }
    }

    /// Random documents, cut anywhere: what stood in the field is gone, the line that was JSON still is, and once is enough.
    @Test(arguments: 0..<12) func randomDocuments(_ seed: Int) throws {
        var dice = Dice(UInt64(seed) &+ 99)
        let benches = [try bench(["p"]), try bench(["p"], .dropField), try bench(["p"], .pseudonym)]
        func value(_ depth: Int) -> String {
            switch dice.next() % (depth > 3 ? 3 : 6) {
            case 0: return "\(dice.next() % 100)"
            case 1: return "\"word\""
            case 2: return "\"a\\n\\\"b\""
            case 3: return "[\((0..<Int(dice.next() % 3)).map { _ in value(depth + 1) }.joined(separator: ", "))]"
            case 4: return object(depth + 1)
            default:
                let inner = object(depth + 1)
                let out = ByteArena()
                inner.withView { JSONText.escape($0, into: out) }
                return "\"\(out.view.string)\""
            }
        }
        func object(_ depth: Int) -> String {
            var members: [String] = []
            for index in 0..<Int(1 + dice.next() % 4) {
                members.append(dice.next() % 3 == 0 ? "\"p\":\"PLANTED\"" : "\"k\(index)\": \(value(depth))")
            }
            return "{\(members.joined(separator: ","))}"
        }
        for _ in 0..<150 {
            let line = object(0)
            var cursor = JSONCursor()
            for bench in benches {
                let out = bench(line)
                // Strings in strings in strings are looked into, but not without end.
                if !line.contains(#"\\\\\\\"#) { #expect(!out.contains("PLANTED"), "\(line) => \(out)") }
                #expect(out.withView { text in (try? cursor.scan(text)) != nil }, "\(line) => \(out)")
                #expect(bench(out) == out, "\(out)")
            }
            let cut = String(decoding: Array(line.utf8).prefix(Int(dice.next() % UInt64(line.utf8.count))), as: UTF8.self)
            if !line.contains(#"\\\\\\\"#) { #expect(!benches[0](cut).contains("PLANTED"), "\(cut) => \(benches[0](cut))") }
        }
    }
}
