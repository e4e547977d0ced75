import Bytes
import LogModel
import LogPipeline
import LokiWire
import Metrics
import Redaction
import Testing

@testable import LogServer

@Suite struct OTLPRouteTests {
    static let good = #"""
        {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}},
          {"key":"host.name","value":{"stringValue":"h1"}}]},"scopeLogs":[{"logRecords":[
          {"timeUnixNano":"1794304800000000000","severityNumber":17,"body":{"stringValue":"boom"}}]}]}]}
        """#

    private func post(
        _ server: TestServer, _ body: [UInt8], type: String = "application/json", headers: [(String, String)] = []
    ) async throws -> TestReply {
        try await server.ask("POST", "/otlp/v1/logs", headers: [("Content-Type", type)] + headers, body: body)
    }

    @Test("Stored with labels, metadata and a level; plain and gzip")
    func stored() async throws {
        let packed = ByteArena()
        try Self.good.withView { try Compressor.gzip($0, into: packed) }
        let zipped = withExtendedLifetime(packed) { packed.view.copy() }
        try await withServer { server async throws in
            let reply = try await post(server, Array(Self.good.utf8))
            #expect(reply.status == 204 && reply.body.isEmpty)
            #expect(try await post(server, zipped, headers: [("Content-Encoding", "gzip")]).status == 204)
            let rows = server.store.rows
            #expect(rows.count == 2)
            #expect(rows.allSatisfy { $0.labels == Labels(["service_name": "api"]) && $0.line == "boom" })
            #expect(
                rows.first?.metadata == Labels(["detected_level": "error", "host_name": "h1", "severity_number": "17"]))
            #expect(rows.first?.timestamp == 1_794_304_800_000_000_000)
        }
    }

    @Test("What can be asked for by the usual query")
    func queried() async throws {
        try await withServer { server async throws in
            _ = try await post(server, Array(Self.good.utf8))
            let reply = try await server.get(
                "/loki/api/v1/query_range?query=%7Bservice_name%3D%22api%22%7D&start=1794304700&end=1794304900")
            #expect(reply.text.contains(#""detected_level":"error""#))
            #expect(reply.text.contains(#"["1794304800000000000","boom"]"#))
        }
    }

    @Test("Errors come as a status, in the form of the request")
    func errors() async throws {
        try await withServer { server async throws in
            let json = try await post(server, Array("{".utf8))
            #expect(json.status == 400)
            #expect(json["content-type"] == "application/json")
            #expect(json.text.hasPrefix(#"{"message":"unmarshal of the OTLP logs request failed: "#))
            let protobuf = try await post(server, [0xFF], type: "application/x-protobuf")
            #expect(protobuf.status == 400)
            #expect(protobuf["content-type"] == "application/x-protobuf")
            #expect(protobuf.body.first == 0x12)
            let other = try await post(server, [], type: "text/plain")
            #expect(other.status == 400)
            #expect(other.text.hasSuffix("content type: text/plain is not supported"))
            #expect(server.store.rows.isEmpty)
        }
    }

    @Test("A store that fails asks for another try")
    func retries() async throws {
        try await withServer { server async throws in
            server.store.refuse(with: StoreError(.retryLater, "disk full"))
            let reply = try await post(server, Array(Self.good.utf8))
            #expect(reply.status == 503)
            #expect(reply["retry-after"] == "5")
            #expect(reply.text == #"{"message":"disk full"}"#)
            server.store.refuse(with: StoreError(.system, "broken"))
            #expect(try await post(server, Array(Self.good.utf8)).status == 503)
        }
    }

    @Test("An empty request is fine, a name that cannot be kept is not, and good records beside bad ones are stored")
    func partial() async throws {
        var limits = openLimits()
        limits.maxLineSize = 5
        try await withServer(limits: limits) { server async throws in
            #expect(try await post(server, Array("{}".utf8)).status == 204)
            let name = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"日本","value":{"stringValue":"x"}}]}]}]}]}"#
            #expect(try await post(server, Array(name.utf8)).status == 400)
            let mixed = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"short"}},{"body":{"stringValue":"too long"}}]}]}]}"#
            let reply = try await post(server, Array(mixed.utf8))
            #expect(reply.status == 400)
            #expect(reply.text.contains("max entry size '5' bytes exceeded for stream"))
            #expect(server.store.rows.map(\.line) == ["short"])
            #expect(server.store.rows.first?.labels == Labels(["service_name": "unknown_service"]))
        }
    }

    @Test("A service name is found among the attributes")
    func discovery() async throws {
        try await withServer { server async throws in
            let body = #"{"resourceLogs":[{"resource":{"attributes":[{"key":"k8s.container.name","value":{"stringValue":"c"}},{"key":"k8s.pod.name","value":{"stringValue":"p"}}]},"scopeLogs":[{"logRecords":[{}]}]}]}"#
            #expect(try await post(server, Array(body.utf8)).status == 204)
            #expect(
                server.store.rows.first?.labels
                    == Labels(["k8s_container_name": "c", "k8s_pod_name": "p", "service_name": "c"]))
        }
    }

    @Test("I6: what redaction removes is neither in the line nor in a label nor in metadata")
    func redacted() async throws {
        let secret = "jane.doe@example.com"
        let body = #"""
            {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"\#(secret)"}},
              {"key":"owner","value":{"stringValue":"\#(secret)"}}]},"scopeLogs":[{"scope":{"name":"\#(secret)"},"logRecords":[
              {"body":{"kvlistValue":{"values":[{"key":"mail","value":{"stringValue":"\#(secret)"}}]}},
               "attributes":[{"key":"who","value":{"arrayValue":{"values":[{"stringValue":"\#(secret)"}]}}}]}]}]}]}
            """#
        try await withServer(redactor: try Redactor(RedactionSettings())) { server async throws in
            #expect(try await post(server, Array(body.utf8)).status == 204)
            let row = try #require(server.store.rows.first)
            for text in [row.line.string, row.labels.description, row.metadata.description] {
                #expect(!text.contains("jane") && !text.isEmpty)
            }
        }
    }

    @Test("GET is refused, the tenant is asked for")
    func methodAndTenant() async throws {
        var settings = ServerSettings()
        settings.multiTenant = true
        try await withServer(settings: settings) { server async throws in
            #expect(try await server.get("/otlp/v1/logs").status == 405)
            #expect(try await post(server, Array("{}".utf8)).status == 401)
            #expect(try await post(server, Array(Self.good.utf8), headers: [("X-Scope-OrgID", "a")]).status == 204)
            #expect(server.store.rows.first?.tenant == Tenant("a"))
        }
    }
}
