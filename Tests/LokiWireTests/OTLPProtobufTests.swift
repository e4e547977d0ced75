import Bytes
import LogModel
import LokiWire
import Testing

@Suite struct OTLPProtobufTests {
    @Test func everything() throws {
        let record =
            OTLPWire.fixed64(1, 5) + OTLPWire.varint(2, 17) + OTLPWire.text(3, "ERROR") + OTLPWire.bytes(5, OTLPWire.text(1, "boom"))
            + OTLPWire.attribute(6, "http.status", OTLPWire.varint(3, 500)) + OTLPWire.varint(7, 2) + OTLPWire.fixed32(8, 1)
            + OTLPWire.bytes(9, Array(1...16)) + OTLPWire.bytes(10, Array(1...8)) + OTLPWire.fixed64(11, 6) + OTLPWire.text(12, "ev")
        let resource =
            OTLPWire.attribute(1, "service.name", "api") + OTLPWire.attribute(1, "k8s.pod.name", "p-1")
            + OTLPWire.attribute(1, "host.name", "h")
        let scope =
            OTLPWire.text(1, "lib") + OTLPWire.text(2, "1.2") + OTLPWire.attribute(3, "s", "x") + OTLPWire.varint(4, 3)
        let sink = try decodeOTLP(OTLPWire.request(resource: resource, scope: scope, records: [record]))
        #expect(sink.streams == [Labels(["k8s_pod_name": "p-1", "service_name": "api"])])
        let entry = try #require(sink.entries.first)
        #expect(entry.timestamp == 5)
        #expect(entry.line == "boom")
        #expect(
            entry.metadataText
                == "host.name=h s=x scope_name=lib scope_version=1.2 scope_dropped_attributes_count=3 http.status=500 "
                + "observed_timestamp=6 severity_number=17 severity_text=ERROR dropped_attributes_count=2 flags=1 "
                + "trace_id=0102030405060708090a0b0c0d0e0f10 span_id=0102030405060708 event_name=ev")
    }

    @Test("The time, else the observed one, else now")
    func times() throws {
        let sink = try decodeOTLP(
            OTLPWire.request(records: [OTLPWire.fixed64(1, 7), OTLPWire.fixed64(11, 8), [], OTLPWire.fixed64(1, .max)]))
        #expect(sink.entries.map(\.timestamp) == [7, 8, otlpNow, .max])
        #expect(sink.entries.allSatisfy { $0.metadata.isEmpty && $0.line.isEmpty })
    }

    @Test(
        "Bodies that are no text",
        arguments: [
            (OTLPWire.varint(2, 1), "true"), (OTLPWire.varint(3, UInt64(bitPattern: -5)), "-5"), (OTLPWire.fixed64(4, (1.5).bitPattern), "1.5"),
            (OTLPWire.fixed64(4, (1e-7).bitPattern), "1e-7"), (OTLPWire.fixed64(4, (1e21).bitPattern), "1e+21"),
            (OTLPWire.bytes(7, [0, 255, 16]), "AP8Q"), (OTLPWire.bytes(5, OTLPWire.bytes(1, OTLPWire.text(1, "<a>")) + OTLPWire.bytes(1, [])), #"["\u003ca\u003e",null]"#),
            (OTLPWire.bytes(6, OTLPWire.attribute(1, "z", "1") + OTLPWire.attribute(1, "a", OTLPWire.varint(3, 2)) + OTLPWire.attribute(1, "z", "3")), #"{"a":2,"z":"3"}"#),
            ([], ""),
        ] as [([UInt8], String)])
    func bodies(value: [UInt8], line: String) throws {
        let sink = try decodeOTLP(OTLPWire.request(records: [OTLPWire.bytes(5, value)]))
        #expect(sink.entries.map(\.line) == [ByteString(line)])
    }

    @Test("Maps among attributes are flattened, lists become texts, identities of zeros are none")
    func attributes() throws {
        let map = OTLPWire.bytes(6, OTLPWire.attribute(1, "b.c", "1") + OTLPWire.attribute(1, "d", OTLPWire.bytes(6, OTLPWire.attribute(1, "e", "2"))))
        let record =
            OTLPWire.attribute(6, "a", map) + OTLPWire.attribute(6, "l", OTLPWire.bytes(5, OTLPWire.bytes(1, OTLPWire.varint(3, 1))))
            + OTLPWire.bytes(9, [UInt8](repeating: 0, count: 16))
        let sink = try decodeOTLP(OTLPWire.request(records: [record]))
        #expect(sink.entries.first?.metadataText == "a_b.c=1 a_d_e=2 l=[1]")
    }

    @Test("Protobuf promises no order: a resource behind its records counts for them")
    func order() throws {
        let scopeLogs = OTLPWire.bytes(2, OTLPWire.fixed64(1, 1)) + OTLPWire.bytes(1, OTLPWire.text(1, "lib"))
        let body = OTLPWire.bytes(1, OTLPWire.bytes(2, scopeLogs) + OTLPWire.bytes(1, OTLPWire.attribute(1, "service.name", "late")))
        let sink = try decodeOTLP(body)
        #expect(sink.streams == [Labels(["service_name": "late"])])
        #expect(sink.entries.first?.metadataText == "scope_name=lib")
    }

    @Test("A resource without records makes no stream, what belongs to one does not leak into the next")
    func resources() throws {
        let body =
            OTLPWire.request(resource: OTLPWire.attribute(1, "service.name", "a") + OTLPWire.attribute(1, "x", "1"), records: [])
            + OTLPWire.request(resource: OTLPWire.attribute(1, "service.name", "b"), records: [OTLPWire.fixed64(1, 1)])
        let sink = try decodeOTLP(body)
        #expect(sink.streams == [Labels(["service_name": "b"])])
        #expect(sink.entries.map(\.metadataText) == [""])
        #expect(try decodeOTLP([]).entries.isEmpty)
    }

    @Test func rules() throws {
        var rules = OTLPRules()
        rules.ignoresDefaults = true
        rules.resource = [
            OTLPRules.Rule(.indexLabel, attributes: ["team"]), OTLPRules.Rule(.drop, regex: "secret.*"),
            OTLPRules.Rule(.indexLabel, regex: "env\\..*"),
        ]
        rules.record = [OTLPRules.Rule(.drop, attributes: ["noise"])]
        rules.severityTextAsLabel = true
        let resource = ["team", "secret.key", "env.a", "service.name"].flatMap { OTLPWire.attribute(1, $0, "v") }
        let sink = try decodeOTLP(
            OTLPWire.request(
                resource: resource,
                records: [
                    OTLPWire.text(3, "INFO") + OTLPWire.attribute(6, "noise", "1"), OTLPWire.text(3, "INFO"), OTLPWire.text(3, "WARN"),
                ]), rules: rules)
        #expect(
            sink.streams == [
                Labels(["env_a": "v", "severity_text": "INFO", "team": "v"]),
                Labels(["env_a": "v", "severity_text": "WARN", "team": "v"]),
            ])
        #expect(sink.entries.map(\.metadataText) == Array(repeating: "service.name=v", count: 3))
    }

    // MARK: Hostile bodies

    @Test("Nesting is bounded")
    func depth() throws {
        func nested(_ depth: Int) -> [UInt8] {
            (0..<depth).reduce(OTLPWire.text(1, "x")) { inner, _ in OTLPWire.bytes(5, OTLPWire.bytes(1, inner)) }
        }
        #expect(try decodeOTLP(OTLPWire.request(records: [OTLPWire.bytes(5, nested(60))])).entries.count == 1)
        #expect(throws: PushError.self) { try decodeOTLP(OTLPWire.request(records: [OTLPWire.bytes(5, nested(65))])) }
        #expect(throws: PushError.self) { try decodeOTLP(OTLPWire.request(records: [OTLPWire.bytes(5, nested(5_000))])) }
    }

    @Test("A few bytes cannot claim much memory")
    func amplification() throws {
        let empties = (0..<70_000).flatMap { _ in OTLPWire.bytes(1, []) }
        #expect(throws: PushError.self) { try decodeOTLP(OTLPWire.request(records: [OTLPWire.bytes(5, OTLPWire.bytes(5, empties))])) }
        // A long name, repeated for each member of its map.
        let members = (0..<4_000).flatMap { _ in OTLPWire.attribute(1, "k", "v") }
        let record = OTLPWire.attribute(6, String(repeating: "n", count: 100_000), OTLPWire.bytes(6, members))
        #expect(throws: PushError.self) { try decodeOTLP(OTLPWire.request(records: [record])) }
        #expect(throws: PushError.self) {
            var limits = PushLimits()
            limits.entriesMax = 2
            _ = try decodeOTLP(OTLPWire.request(records: [[], [], []]), limits: limits)
        }
    }

    @Test("Identities of a wrong length are refused")
    func identities() {
        #expect(throws: PushError(.malformed, "invalid length for TraceID")) {
            try decodeOTLP(OTLPWire.request(records: [OTLPWire.bytes(9, [1, 2])]))
        }
    }

    @Test("Any damage is an error or passes, never a trap", arguments: 0..<300)
    func damage(seed: Int) {
        var random = seed &* 2_654_435_761 &+ 12_345
        func next(_ bound: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (random >> 33 & 0x7FFF_FFFF) % bound
        }
        var body = OTLPWire.request(
            resource: OTLPWire.attribute(1, "service.name", "api"), scope: OTLPWire.text(1, "lib"),
            records: [
                OTLPWire.fixed64(1, 5) + OTLPWire.bytes(5, OTLPWire.bytes(6, OTLPWire.attribute(1, "a", OTLPWire.varint(3, 2))))
                    + OTLPWire.bytes(9, Array(1...16)) + OTLPWire.attribute(6, "k", "v")
            ])
        for _ in 0..<1 + next(4) { body[next(body.count)] = UInt8(next(256)) }
        if next(3) == 0 { body.removeLast(next(body.count)) }
        _ = try? decodeOTLP(body)
    }
}
