import Bytes
import LogModel
import Metrics
import Testing

@testable import LogPipeline

@Suite("Rates, streams, cut lines and wide labels")
struct IngestLimitsTests {
    static let start: Int64 = 1_795_248_000_000_000_000

    /// A clock that only tests move.
    final class Clock: Sendable {
        private let time = Gauge()
        init() { time.set(Double(0)) }
        func advance(seconds: Double) { time.add(seconds) }
        var now: Timestamp { Timestamp(nanoseconds: IngestLimitsTests.start + Int64(time.value * 1e9)) }
    }

    private func intake(
        _ clock: Clock = Clock(), registry: Registry = Registry(), report: @escaping @Sendable (String) -> Void = { _ in },
        _ change: (inout Limits) -> Void
    ) -> Intake {
        var limits = Limits()
        change(&limits)
        return Intake(limits: limits, registry: registry, report: report, clock: { clock.now })
    }

    private func push(
        _ intake: Intake, _ streams: [KeyValuePairs<String, String>], line: String = "x", metadata: Labels = Labels(),
        tenant: Tenant = .fake, isPush: Bool = true
    ) -> IntakeResult {
        let builder = intake.makeBuilder(tenant: tenant, isPush: isPush)
        for labels in streams {
            builder.beginStream(Labels(labels))
            line.withView { _ = builder.add(timestamp: Self.start, line: $0, metadata: metadata) }
        }
        return builder.finish()
    }

    @Test("A tenant over its rate is refused whole, until its bucket has filled again")
    func tenantRate() throws {
        let clock = Clock()
        let registry = Registry()
        let intake = intake(clock, registry: registry) {
            $0.ingestionRateMB = 1.0 / 1_048_576 * 100
            $0.ingestionBurstSizeMB = 1.0 / 1_048_576 * 100
        }
        let line = String(repeating: "x", count: 60)
        #expect(push(intake, [["app": "a"]], line: line).batch.rows.count == 1)
        let refused = push(intake, [["app": "a"], ["app": "b"]], line: line, metadata: Labels(["k": "v"]))
        #expect(refused.isRateLimited)
        #expect(refused.batch.isEmpty)
        #expect(refused.rejectedLines == 2)
        #expect(
            refused.messages == [
                "ingestion rate limit exceeded for user fake (limit: 100 bytes/sec) while attempting to ingest '2' lines totaling "
                    + "'124' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased"
            ])
        #expect(registry.value("loki_discarded_samples_total", ["reason": "rate_limited"]) == 2)
        // Another tenant has a bucket of its own, and the collector none.
        #expect(push(intake, [["app": "a"]], line: line, tenant: try #require(Tenant("other"))).batch.rows.count == 1)
        #expect(push(intake, [["app": "a"]], line: line, isPush: false).batch.rows.count == 1)
        clock.advance(seconds: 1)
        let again = push(intake, [["app": "a"]], line: line)
        #expect(!again.isRateLimited && again.batch.rows.count == 1)
    }

    @Test("A stream over its rate is left out, the others stay")
    func streamRate() {
        let intake = intake {
            $0.perStreamRateLimit = 1 << 10
            $0.perStreamRateLimitBurst = 2 << 10
        }
        let line = String(repeating: "x", count: 1_500)
        #expect(push(intake, [["app": "a"]], line: line).batch.rows.count == 1)
        let second = push(intake, [["app": "a"], ["app": "b"]], line: line)
        #expect(second.isRateLimited)
        #expect(second.batch.streams.map(\.description) == [#"{app="b", service_name="b"}"#])
        #expect(second.batch.rows.count == 1 && second.batch.bytes.count == 1_500)
        #expect(
            second.messages == [
                "entry with timestamp 2026-11-21 08:00:00 +0000 UTC ignored, reason: 'Per stream rate limit exceeded (limit: "
                    + "1KB/sec) while attempting to ingest for stream '{app=\"a\", service_name=\"a\"}' totaling 1500B, consider "
                    + "splitting a stream via additional labels or contact your Loki administrator to see if the limit can be "
                    + "increased',\nuser 'fake', total ignored: 1 out of 1 for stream: {app=\"a\", service_name=\"a\"}"
            ])
    }

    @Test("No more streams than allowed are active; an idle one makes room")
    func streams() {
        let clock = Clock()
        let intake = intake(clock) { $0.maxGlobalStreamsPerUser = 2 }
        let first = push(intake, [["app": "a"], ["app": "b"], ["app": "c"], ["app": "a"]])
        #expect(first.isRateLimited)
        #expect(first.batch.rows.count == 3)
        #expect(
            first.messages == [
                "maximum active stream limit exceeded when trying to create stream {app=\"c\", service_name=\"c\"}, reduce the "
                    + "number of active streams (reduce labels or reduce label values), or contact your Loki administrator to "
                    + "see if the limit can be increased, user: 'fake'"
            ])
        clock.advance(seconds: 7_000)
        #expect(push(intake, [["app": "a"]]).messages.isEmpty)
        clock.advance(seconds: 400)
        #expect(push(intake, [["app": "c"]]).messages.isEmpty)
        #expect(push(intake, [["app": "b"]]).isRateLimited)
    }

    @Test("Long lines are cut, not refused, where that is wanted; never inside a character")
    func truncation() {
        let registry = Registry()
        let plain = intake(registry: registry) {
            $0.maxLineSize = 6
            $0.maxLineSizeTruncate = true
        }
        func line(_ text: String, _ intake: Intake) -> String {
            let result = push(intake, [["app": "a"]], line: text)
            #expect(result.messages.isEmpty)
            return ByteString(result.batch.bytes).string
        }
        #expect(line("1234567", plain) == "123456")
        #expect(line("123456", plain) == "123456")
        #expect(line("12345é", plain) == "12345")
        #expect(registry.value("tailrace_truncated_lines_total") == 2)
        let marked = intake {
            $0.maxLineSize = 6
            $0.maxLineSizeTruncate = true
            $0.maxLineSizeTruncateIdentifier = "..."
        }
        #expect(line("1234567", marked) == "123...")
    }

    @Test func metadataDisallowed() {
        let intake = intake { $0.allowStructuredMetadata = false }
        let plain = push(intake, [["app": "a"]])
        #expect(plain.batch.rows.count == 1 && plain.batch.metadata == [Labels()])
        #expect(
            push(intake, [["app": "a"]], metadata: Labels(["k": "v"])).messages == [
                "stream '{app=\"a\", service_name=\"a\"}' includes structured metadata, but this feature is disallowed. Please see "
                    + "`limits_config.allow_structured_metadata` or contact your Loki administrator to enable it"
            ])
    }

    @Test("Limits of one tenant do not hold for another")
    func tenants() throws {
        var small = Limits()
        small.maxLineSize = 1
        let named = try #require(Tenant("small"))
        let clock = Clock()
        let intake = Intake(tenantLimits: [named: small], clock: { clock.now })
        #expect(push(intake, [["app": "a"]], line: "xx").messages.isEmpty)
        #expect(push(intake, [["app": "a"]], line: "xx", tenant: named).messages.count == 1)
        #expect(intake.limits(of: named).maxLineSize == 1)
    }

    // MARK: Wide labels

    /// What was reported.
    final class Words: Sendable {
        private let counter = Counter()
        var count: Double { counter.value }
        func hear(_ text: String) { if text.contains("| id=") { counter.add(1) } }
    }

    @Test("A label with too many values becomes metadata, with a word and a count, for a day at least")
    func demotion() {
        let clock = Clock()
        let registry = Registry()
        let words = Words()
        let intake = intake(clock, registry: registry, report: { words.hear($0) }) { $0.maxValuesPerLabel = 3 }
        func stored(_ id: String, _ metadata: Labels = Labels()) -> (labels: String, metadata: Labels) {
            let batch = push(intake, [["app": "a", "id": id]], metadata: metadata, isPush: false).batch
            return (batch.streams[0].description, batch.metadata[Int(batch.rows[0].metadata)])
        }
        for id in ["1", "2", "3", "1", "2"] {
            #expect(stored(id).labels == "{app=\"a\", id=\"\(id)\", service_name=\"a\"}")
        }
        #expect(words.count == 0)
        let fourth = stored("4")
        #expect(fourth.labels == #"{app="a", service_name="a"}"#)
        #expect(fourth.metadata == Labels(["detected_level": "unknown", "id": "4"]))
        #expect(stored("1").labels == #"{app="a", service_name="a"}"#)
        #expect(stored("5", Labels(["id": "own"])).metadata["id"] == "own")
        #expect(words.count == 1)
        #expect(registry.value("tailrace_demoted_labels_total") == 1)
        // The day after it is wide still, since it was all day; a quiet day later it is a label again.
        clock.advance(seconds: 86_400)
        #expect(stored("6").labels == #"{app="a", service_name="a"}"#)
        clock.advance(seconds: 86_400)
        #expect(stored("7").labels == #"{app="a", id="7", service_name="a"}"#)
    }

    @Test("The service is found among the labels that stay")
    func demotedService() {
        let intake = intake { $0.maxValuesPerLabel = 1 }
        _ = push(intake, [["name": "1", "job": "j"]])
        let batch = push(intake, [["name": "2", "job": "j"]]).batch
        #expect(batch.streams.map(\.description) == [#"{job="j", service_name="j"}"#])
        #expect(batch.metadata.last?["name"] == "2")
    }

    @Test("Names that metadata would change stay labels; 0 switches demotion off")
    func exceptions() {
        let strange = intake { $0.maxValuesPerLabel = 1 }
        for value in ["1", "2", "3"] {
            #expect(push(strange, [["a__b": value]]).batch.streams.first?["a__b"] == ByteString(value))
        }
        let off = intake { $0.maxValuesPerLabel = 0 }
        for value in ["1", "2", "3"] {
            #expect(push(off, [["id": value]]).batch.streams.first?["id"] == ByteString(value))
        }
    }
}
