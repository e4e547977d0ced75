import Bytes
import LogModel
import Metrics
import Redaction
import Testing

@testable import LogPipeline

@Suite("Redaction is counted, and remembers keys from line to line")
struct RedactionCountersTests {
    private let registry = Registry()

    private func found(_ rule: String, _ mode: String, _ target: String) -> Double? {
        registry.value("tailrace_redactions_total", ["rule": rule, "mode": mode, "target": target])
    }

    @discardableResult
    private func push(_ settings: RedactionSettings, _ lines: [String]) throws -> WriteBatch {
        let intake = Intake(redactor: try Redactor(settings), registry: registry, clock: { Timestamp(nanoseconds: Bench.now) })
        let builder = intake.makeBuilder()
        builder.beginStream(Labels(["app": "x", "user": "jane@example.com"]))
        for line in lines {
            line.withView { _ = builder.add(timestamp: Bench.now, line: $0, metadata: Labels(["who": "jane@example.com"])) }
        }
        return builder.finish().batch
    }

    @Test("Each rule that is on stands at zero before the first line; those that are off do not stand there")
    func zero() throws {
        _ = Intake(redactor: try Redactor(RedactionSettings(detectors: [.email, .card])), registry: registry)
        for target in ["line", "label", "metadata"] {
            #expect(found("email", "mask", target) == 0)
            #expect(found("card", "mask", target) == 0)
            #expect(found("iban", "mask", target) == nil)
        }
        for reason in ["engine", "candidates", "budget", "memory"] {
            #expect(registry.value("tailrace_redaction_failures_total", ["reason": reason]) == 0)
        }
    }

    @Test("Each finding counts once, where it stood", arguments: [RedactionSettings.Mode.mask, .detect])
    func byTarget(_ mode: RedactionSettings.Mode) throws {
        let batch = try push(
            RedactionSettings(detectors: [.email, .card], mode: mode), ["jane@example.com bob@example.com", "4111111111111111"])
        #expect(found("email", mode.rawValue, "line") == 2)
        #expect(found("email", mode.rawValue, "label") == 1)
        #expect(found("email", mode.rawValue, "metadata") == 2)
        #expect(found("card", mode.rawValue, "line") == 1)
        #expect(ByteString(batch.bytes).string.contains("jane@") == (mode == .detect))
    }

    @Test("What is dropped counts by rule, what cannot be scanned by reason")
    func reasons() throws {
        #expect(try push(RedactionSettings(detectors: [.email], mode: .dropLine), ["jane@example.com", "fine"]).rows.count == 1)
        #expect(registry.value("tailrace_redaction_dropped_lines_total", ["reason": "email"]) == 1)
        let batch = try push(RedactionSettings(), [String(repeating: "@", count: 1 << 19)])
        #expect(ByteString(batch.bytes).string == "[REDACTED:unscanned]")
        #expect(registry.value("tailrace_redaction_failures_total", ["reason": "candidates"]) == 1)
    }

    @Test("The redact stage counts too, from zero on")
    func stage() throws {
        let bench = try Bench([.redact(RedactionSettings(detectors: [.email], mode: .partial))])
        func value(_ target: String) -> Double? {
            bench.registry.value("tailrace_redactions_total", ["rule": "email", "mode": "partial", "target": target])
        }
        #expect(value("line") == 0)
        #expect(bench.run(["a jane@example.com"], labels: ["job": "bob@example.com"]).map(\.line) == ["a j***@example.com"])
        #expect(value("line") == 1)
        #expect(value("label") == 1)
    }

    private static let key = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkq", "hkiG9w0BAQEFAASC", "-----END PRIVATE KEY-----", "SGVsbG8gd29ybGQh"]

    @Test("A private key over several lines is gone on every way in, and what follows it stays")
    func armour() throws {
        let expected = Array(repeating: "[REDACTED:private_key]", count: 3) + Self.key.suffix(2)
        let pushed = try push(RedactionSettings(), Self.key)
        #expect(pushed.rows.map { row in pushed.withLine(row) { $0.string } } == expected)

        let asStage = try Bench([.redact(RedactionSettings())])
        let output = PipelineOutput(intake: nil, ships: true, redactor: try Redactor())
        let runner = try Pipeline.build([], environment: PipelineEnvironment()).makeRunner()
        var seen: [[String]] = [[], []]
        // Line by line, in batches of their own, with lines of another source in between.
        for (number, line) in Self.key.enumerated() {
            seen[0] += asStage.run(Bench.batch([line], from: UInt64(number * 100))).map(\.line)
            runner.process(Bench.batch([line], from: UInt64(number * 100)), into: output)
            if let batch = output.take().shipped { seen[1] += Bench.entries(batch).map(\.line) }
            let other = Bench.batch(["SGVsbG8gd29ybGQh"], from: UInt64(number * 100), source: "other")
            #expect(asStage.run(other).map(\.line) == ["SGVsbG8gd29ybGQh"])
            runner.process(other, into: output)
            #expect(output.take().shipped.map { Bench.entries($0).map(\.line) } == ["SGVsbG8gd29ybGQh"])
        }
        #expect(seen == [expected, expected])
    }
}
