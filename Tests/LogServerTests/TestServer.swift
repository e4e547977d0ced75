import Bytes
import LogModel
import LogPipeline
import LogQuery
import Logging
import Metrics
import Redaction
import Synchronization

@testable import LogServer

/// A server on a free port of the loopback, for the length of a closure.
struct TestServer: Sendable {
    let port: Int
    let store: MemoryStore
    let registry: Registry
    /// What the server itself stores through: batches appended here reach live tails.
    let writer: any StoreWriter

    func client() throws -> TestClient { try TestClient(port: port) }

    /// One request on a connection of its own.
    func ask(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) async throws -> TestReply {
        try await Blocking.run {
            let client = try TestClient(port: port)
            try client.send(method, target, headers: headers, body: body)
            return try client.receive()
        }
    }

    func get(_ target: String, headers: [(String, String)] = []) async throws -> TestReply {
        try await ask("GET", target, headers: headers)
    }

    /// A whole number of `/metrics`; 0 where it is not there.
    func metric(_ name: String) async throws -> Int {
        let line = try await get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }.map { Int($0) } ?? 0
    }

    func push(_ json: String, headers: [(String, String)] = []) async throws -> TestReply {
        try await ask(
            "POST", "/loki/api/v1/push", headers: [("Content-Type", "application/json")] + headers, body: Array(json.utf8))
    }
}

/// Fixed clock of the tests' intakes: pushes of any age are taken.
func openLimits() -> Limits {
    var limits = Limits()
    limits.creationGracePeriod = 0
    return limits
}

func withServer<Result: Sendable>(
    settings given: ServerSettings = ServerSettings(), limits: Limits = openLimits(),
    engine: (any QueryRunning)? = nil, hooks: ServerHooks = ServerHooks(), redactor: Redactor? = nil, patterns: PatternMiner? = nil,
    tails: Tail.Settings = Tail.Settings(), parts change: (inout ServerParts) -> Void = { _ in },
    _ body: @Sendable (TestServer) async throws -> Result
) async throws -> Result {
    var settings = given
    settings.port = 0
    let store = MemoryStore()
    let registry = Registry()
    let hub = TailHub()
    let writer = TailedWriter(store, hub: hub)
    let deletions = MemoryDeletions()
    let reader = FederatedReader(HidingReader(store, deletions: deletions))
    var parts = ServerParts(
        reader: reader, writer: writer, engine: engine ?? QueryEngine(store: reader, registry: registry),
        intake: Intake(limits: limits, redactor: redactor, registry: registry), registry: registry)
    parts.limits = { _ in limits }
    parts.hooks = hooks
    parts.patterns = patterns
    parts.tails = hub
    parts.deletions = deletions
    parts.tailSettings = tails
    change(&parts)
    parts.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = LogServer(settings: settings, parts: parts)
    let (ports, announce) = AsyncStream<Int>.makeStream()
    let running = Task {
        defer { announce.finish() }
        try await server.run { announce.yield($0) }
    }
    defer { running.cancel() }
    for await port in ports { return try await body(TestServer(port: port, store: store, registry: registry, writer: writer)) }
    try await running.value
    throw TestFailure("the server ended before it listened")
}

struct TestFailure: Error, CustomStringConvertible {
    var description: String
    init(_ text: String) { description = text }
}
