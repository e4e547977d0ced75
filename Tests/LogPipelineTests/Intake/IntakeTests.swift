import Bytes
import LogModel
import Metrics
import Redaction
import Testing

@testable import LogPipeline

@Suite("Intake")
struct IntakeTests {
    static let now: Int64 = 1_795_248_000_000_000_000

    private func intake(_ change: (inout Limits) -> Void = { _ in }, registry: Registry = Registry()) -> Intake {
        var limits = Limits()
        change(&limits)
        return Intake(limits: limits, registry: registry, clock: { Timestamp(nanoseconds: Self.now) })
    }

    private func one(
        _ intake: Intake, _ labels: KeyValuePairs<String, String>, _ line: String = "x",
        metadata: KeyValuePairs<String, String> = [:], timestamp: Int64 = now
    ) -> IntakeResult {
        let builder = intake.makeBuilder()
        builder.beginStream(Labels(labels))
        line.withView { _ = builder.add(timestamp: timestamp, line: $0, metadata: Labels(metadata)) }
        return builder.finish()
    }

    @Test(
        "service_name",
        arguments: [
            (["app": "x"], #"{app="x", service_name="x"}"#),
            (["container": "c", "job": "j"], #"{container="c", job="j", service_name="c"}"#),
            (["foo": "x"], #"{foo="x", service_name="unknown_service"}"#), ([:], #"{service_name="unknown_service"}"#),
            (["app": "", "name": "n"], #"{name="n", service_name="n"}"#),
            (["service_name": "s", "app": "a"], #"{app="a", service_name="s"}"#),
        ] as [(KeyValuePairs<String, String>, String)])
    func serviceName(labels: KeyValuePairs<String, String>, expected: String) {
        let result = one(intake(), labels)
        #expect(result.batch.streams.map(\.description) == [expected])
        #expect(result.messages.isEmpty)
    }

    /// Loki's list, written out once more: the order is what dashboards are built on.
    static let serviceLabels = [
        "service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container", "container_name",
        "k8s_container_name", "component", "workload", "job", "k8s_job_name",
    ]

    @Test("Of two labels that may name the service the earlier one of the list does", arguments: serviceLabels.indices.dropLast())
    func serviceOrder(index: Int) {
        let result = one(intake(), [Self.serviceLabels[index + 1]: "later", Self.serviceLabels[index]: "earlier"])
        #expect(result.batch.streams.first?["service_name"] == "earlier")
    }

    @Test("Levels: every name of the list, in its order, as label and as metadata", arguments: LevelDetector.keys.indices)
    func levelOrder(index: Int) {
        let name = LevelDetector.keys[index]
        // As metadata, and as a label on the way out of a push, a name has no dot.
        guard name != "log.level" else { return }
        let text = name.string
        func level(_ result: IntakeResult) -> ByteString? {
            result.batch.metadata[Int(result.batch.rows[0].metadata)]["detected_level"]
        }
        #expect(level(one(intake(), [text: "Wrn"], "error")) == "warn")
        #expect(level(one(intake(), ["a": "b"], "error", metadata: [text: "Wrn"])) == "warn")
        #expect(level(one(intake(), ["a": "b"], "error", metadata: [text: "verbose"])) == "verbose")
        if index + 1 < LevelDetector.keys.count, LevelDetector.keys[index + 1] != "log.level" {
            let next = LevelDetector.keys[index + 1].string
            #expect(level(one(intake(), [next: "info", text: "debug"])) == "debug")
            #expect(level(one(intake(), ["a": "b"], metadata: [next: "info", text: "debug"])) == "debug")
        }
    }

    @Test(
        "Levels by OpenTelemetry's number",
        arguments: [
            ("0", "unknown"), ("1", "trace"), ("4", "trace"), ("5", "debug"), ("8", "debug"), ("9", "info"), ("12", "info"),
            ("13", "warn"), ("16", "warn"), ("17", "error"), ("20", "error"), ("21", "fatal"), ("24", "fatal"), ("25", "unknown"),
            ("nine", "info"),
        ])
    func severityNumbers(number: String, level: String) {
        let result = one(intake(), ["a": "b"], "plain", metadata: ["severity_number": number])
        #expect(result.batch.metadata.last?["detected_level"] == ByteString(level))
    }

    @Test(
        "detected_level from labels, metadata and line, in this order",
        arguments: [
            (["a": "b"], [:], "warn x", #"{detected_level="warn"}"#),
            (["level": "WARNING"], [:], "plain error", #"{detected_level="warn"}"#),
            (["severity": "weird"], [:], "an error", #"{detected_level="weird"}"#),
            (["a": "b"], ["level": "info"], "level=error", #"{detected_level="info", level="info"}"#),
            (["a": "b"], ["detected_level": "ERR"], "plain", #"{detected_level="error"}"#),
            (["a": "b"], ["severity_text": "Notice"], "plain", #"{detected_level="Notice", severity_text="Notice"}"#),
            (["a": "b"], ["severity_number": "17"], "plain", #"{detected_level="error", severity_number="17"}"#),
            (["a": "b"], ["severity_number": "x"], "plain", #"{detected_level="info", severity_number="x"}"#),
            (["level": "debug"], ["level": "info"], "error", #"{detected_level="debug", level="info"}"#),
        ] as [(KeyValuePairs<String, String>, KeyValuePairs<String, String>, String, String)])
    func levels(
        labels: KeyValuePairs<String, String>, metadata: KeyValuePairs<String, String>, line: String, expected: String
    ) {
        let result = one(intake(), labels, line, metadata: metadata)
        #expect(result.batch.metadata[Int(result.batch.rows[0].metadata)].description == expected)
    }

    @Test("Neither service name nor level when they are switched off")
    func switchedOff() {
        let quiet = intake {
            $0.discoverServiceName = []
            $0.discoverLogLevels = false
        }
        let result = one(quiet, ["app": "x"], "error")
        #expect(result.batch.streams.map(\.description) == [#"{app="x"}"#])
        #expect(result.batch.rows[0].metadata == 0)
        #expect(one(quiet, [:]).messages == ["error at least one label pair is required per stream"])
    }

    @Test(
        "Names of metadata",
        arguments: [
            ("user.id", "user_id"), ("a-b.c/d", "a_b_c_d"), ("ünï", "_n_"), ("9lives", "key_9lives"), ("__error__", "__error__"),
            ("a__b", "a_b"), ("ok_name", "ok_name"), ("-x", "_x"), ("1", "key_1"),
        ])
    func metadataNames(name: String, expected: String) throws {
        #expect(try MetadataNames.normalize(ByteString(name)) == ByteString(expected))
    }

    @Test("A name without any letter fails the push", arguments: ["日本", "__", "-", "___"])
    func impossibleNames(name: String) {
        let builder = intake().makeBuilder()
        builder.beginStream(Labels(["app": "x"]))
        "x".withView {
            _ = builder.add(timestamp: Self.now, line: $0, metadata: Labels([Label(ByteString(name), "v")]))
        }
        let result = builder.finish()
        #expect(result.failure == "normalization for label name \"\(name)\" resulted in invalid name \"_\"")
        #expect(result.batch.isEmpty)
    }

    @Test("Empty metadata goes, U+FFFD in values becomes a space")
    func metadataValues() {
        let result = one(intake(), ["a": "b"], "x", metadata: ["e": "", "v": "a\u{FFFD}b"])
        #expect(result.batch.metadata.last?.description == #"{detected_level="unknown", v="a b"}"#)
    }

    @Test("Refusals, in Loki's words; the other lines stay")
    func refusals() {
        let strict = intake {
            $0.maxLineSize = 10
            $0.maxLabelNamesPerSeries = 2
            $0.maxLabelNameLength = 12
            $0.maxLabelValueLength = 6
            $0.maxStructuredMetadataSize = 12
            $0.maxStructuredMetadataEntriesCount = 2
            $0.creationGracePeriod = 60_000_000_000
            $0.rejectOldSamplesMaxAge = 3_600_000_000_000
        }
        func messages(
            _ labels: KeyValuePairs<String, String>, _ line: String = "x", metadata: KeyValuePairs<String, String> = [:],
            timestamp: Int64 = Self.now
        ) -> [String] {
            let result = one(strict, labels, line, metadata: metadata, timestamp: timestamp)
            #expect(result.batch.isEmpty == !result.messages.isEmpty)
            #expect(result.rejectedLines == (result.messages.isEmpty ? 0 : 1))
            return result.messages
        }
        let stream = #"{app="x", service_name="x"}"#
        #expect(messages(["app": "x"]) == [])
        #expect(
            messages(["app": "x"], "12345678901") == [
                "max entry size '10' bytes exceeded for stream '\(stream)' while adding an entry with length '11' bytes"
            ])
        #expect(
            messages(["app": "x", "b": "1", "c": "1"]) == [
                #"entry for stream '{app="x", b="1", c="1", service_name="x"}' has 3 label names; limit 2"#
            ])
        #expect(messages(["app": "x", "b": "1", "service_name": "s"]).isEmpty)
        #expect(
            messages(["toolonglabel1": "1", "service": "x"]) == [
                #"stream '{service="x", service_name="x", toolonglabel1="1"}' has label name too long: 'toolonglabel1'"#
            ])
        #expect(
            messages(["app": "1234567"]) == [
                #"stream '{app="1234567", service_name="1234567"}' has label value too long: '1234567'"#
            ])
        #expect(
            messages(["app": "x"], metadata: ["a": "1", "b": "1", "c": "1"]).first?.hasPrefix(
                "stream '\(stream)' has too many structured metadata labels: '3', limit: '2'.") == true)
        #expect(
            messages(["app": "x"], metadata: ["a": "123456789012"]).first?.hasPrefix(
                "stream '\(stream)' has structured metadata too large: '13' bytes, limit: '12' bytes.") == true)
    }

    @Test("Labels that Loki keeps for itself are refused", arguments: ["__backfill__", "__backfill_shard__"])
    func reserved(name: String) {
        #expect(one(intake(), ["app": "x", name: "1"]).messages.first?.hasSuffix("has a label that is reserved: '\(name)'") == true)
    }

    @Test("Times too new and too old")
    func times() {
        let strict = intake {
            $0.creationGracePeriod = 60_000_000_000
            $0.rejectOldSamplesMaxAge = 3_600_000_000_000
        }
        let stream = #"{app="x", service_name="x"}"#
        #expect(
            one(strict, ["app": "x"], timestamp: Self.now + 61_000_000_000).messages == [
                "entry for stream '\(stream)' has timestamp too new: 2026-11-21T08:01:01Z"
            ])
        #expect(
            one(strict, ["app": "x"], timestamp: Self.now - 3_601_000_000_000).messages == [
                "entry for stream '\(stream)' has timestamp too old: 2026-11-21T06:59:59Z, "
                    + "oldest acceptable timestamp is: 2026-11-21T07:00:00Z"
            ])
        #expect(one(strict, ["app": "x"], timestamp: Self.now - 3_599_000_000_000).messages.isEmpty)
        #expect(one(intake(), ["app": "x"], timestamp: 0).messages.isEmpty)
    }

    @Test("Good lines beside bad ones are kept; equal messages come once; refused lines are counted by reason")
    func partial() {
        let registry = Registry()
        let builder = intake({ $0.maxLineSize = 3 }, registry: registry).makeBuilder()
        #expect(builder.beginStream(Labels(["app": "x"])))
        for line in ["ok", "long1", "long2", "ok2"] {
            line.withView { _ = builder.add(timestamp: Self.now, line: $0) }
        }
        #expect(!builder.beginStream(Labels((0..<16).map { Label(ByteString("l\($0)"), "v") })))
        "x".withView { _ = builder.add(timestamp: Self.now, line: $0) }
        let result = builder.finish()
        #expect(result.batch.rows.count == 2)
        #expect(result.rejectedLines == 3)
        #expect(result.messages.count == 2)
        #expect(registry.value("loki_discarded_samples_total", ["reason": "line_too_long"]) == 2)
        #expect(registry.value("loki_discarded_samples_total", ["reason": "max_label_names_per_series"]) == 1)
        #expect(registry.value("tailrace_intake_lines_total") == 2)
        #expect(registry.value("tailrace_intake_bytes_total") == 5)
        #expect(builder.finish().batch.isEmpty)
    }

    @Test("Nothing that redaction removes is in the batch (I6)")
    func redaction() throws {
        let secret = "jane.doe@example.com"
        let intake = Intake(redactor: try Redactor(RedactionSettings()), clock: { Timestamp(nanoseconds: Self.now) })
        let builder = intake.makeBuilder()
        builder.beginStream(Labels(["app": "x", "user": ByteString(secret).string]))
        for line in ["mail \(secret) ok", #"{"level":"info","user":"\#(secret)"}"#] {
            line.withView { _ = builder.add(timestamp: Self.now, line: $0, metadata: Labels(["who": secret])) }
        }
        let batch = builder.finish().batch
        #expect(batch.rows.count == 2)
        #expect(!ByteString(batch.bytes).string.contains(secret))
        for labels in batch.streams + batch.metadata { #expect(!labels.description.contains(secret)) }
    }
}
