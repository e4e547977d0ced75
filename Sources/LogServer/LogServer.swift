import Bytes
import Hummingbird
import HummingbirdCore
import LogModel
import LogPipeline
import LogQuery
import Logging
import LokiWire
import Metrics
import NIOCore
import Synchronization

/// What runs queries: `LogQuery.QueryEngine`, and in tests whatever a test needs.
package protocol QueryRunning: Sendable {
    /// Blocks; looks at the request's cancel flag.
    func answer(_ request: QueryRequest) throws(QueryError) -> QueryAnswer
}

extension QueryEngine: QueryRunning {}

/// Why the server cannot serve.
package struct ServerError: Error, Equatable, CustomStringConvertible {
    package var message: String
    package var description: String { message }
}

/// What the server is put together from.
package struct ServerParts: Sendable {
    package var reader: any StoreReader
    /// Gets the batches of pushes.
    package var writer: any StoreWriter
    package var engine: any QueryRunning
    package var intake: Intake
    package var registry: Registry
    /// Where delete requests are kept; `reader` must hide what they say (`HidingReader`). nil: nothing can be deleted.
    package var deletions: (any DeletionLog)?
    /// How long a delete request can be taken back, nanoseconds.
    package var deleteCancelPeriod: Int64 = 86_400_000_000_000
    /// How `engine` reads queries: tails read them the same way.
    package var querySettings = QuerySettings()
    /// What live tails hear from: `writer` must tell it what it stores, see `TailedWriter`.
    package var tails = TailHub()
    var tailSettings = Tail.Settings()
    /// Limits of a tenant.
    package var limits: @Sendable (Tenant) -> Limits = { _ in Limits() }
    /// Age at which the store lets lines expire, nanoseconds; 0: it does not. Told to who asks for limits.
    package var retention: Int64 = 0
    /// What `patterns` is answered from; nil: there are none.
    package var patterns: PatternMiner?
    package var logger = Logger(label: "tailrace.server")
    package var hooks = ServerHooks()

    package init(
        reader: any StoreReader, writer: any StoreWriter, engine: any QueryRunning, intake: Intake,
        registry: Registry
    ) {
        self.reader = reader
        self.writer = writer
        self.engine = engine
        self.intake = intake
        self.registry = registry
    }
}

/// What others add to the server.
package struct ServerHooks: Sendable {
    /// Why queries would not see everything stored, nil when they do.
    package var notReady: @Sendable () -> String? = { nil }
    /// Lines under `ready`, such as that redaction is off.
    package var readyNotes: @Sendable () -> [String] = { [] }
    /// The configuration in effect, as YAML without secrets.
    package var config: @Sendable () -> String = { "" }
    /// Merges what can be merged; returns when nothing is left to merge.
    package var compact: (@Sendable () async throws -> Void)?
    /// Makes a copy of the store beside it; says where it lies.
    package var snapshot: (@Sendable () async throws -> SnapshotPlace)?
    /// Answers what no route of Loki's covers (targets, reload, the page); nil: 404. Do not block.
    package var extra: @Sendable (_ method: String, _ path: String) async -> Reply? = { _, _ in nil }
    package var version = ServerVersion()

    package init() {}
}

/// A copy of the store that was made.
package struct SnapshotPlace: Sendable {
    package var path: String
    package var segments: Int
    package var segmentBytes: Int

    package init(path: String, segments: Int, segmentBytes: Int) {
        self.path = path
        self.segments = segments
        self.segmentBytes = segmentBytes
    }
}

/// Answer of `status/buildinfo`.
package struct ServerVersion: Sendable {
    /// Grafana and logcli compare it with Loki's versions to see what they may ask.
    package var version = "3.8.0"
    package var revision = ""
    package var branch = "main"
    package var buildUser = ""
    package var buildDate = ""
    package var goVersion = ""

    package init() {}
}

/// Loki's HTTP API over a store, a query engine and an intake.
///
/// `run` serves until its task is cancelled or the surrounding service group shuts down gracefully; then open requests
/// are finished first. Connections are served by NIO's threads, which never block: queries, catalogue questions and
/// pushes run on threads of their own, each kind a bounded number at once.
package struct LogServer: Sendable {
    let settings: ServerSettings
    let parts: ServerParts
    let table = ConnectionTable()
    let metrics: RouteMetrics
    let queries: WorkLane
    let catalogue: WorkLane
    let pushes: WorkLane
    let pushBytes: ByteGate
    let caches = PushDecoder.Caches()
    let decoders = PushDecoderPool()
    let mappings = OTLPMappings()

    package init(settings: ServerSettings, parts: ServerParts) {
        self.settings = settings
        self.parts = parts
        metrics = RouteMetrics(parts.registry)
        let processors = max(System.coreCount, 2)
        queries = WorkLane(
            threads: settings.queriesMax > 0 ? settings.queriesMax : processors, waitingMax: settings.queriesWaitingMax)
        catalogue = WorkLane(threads: 2, waitingMax: settings.queriesWaitingMax)
        pushes = WorkLane(threads: processors, waitingMax: 4_096)
        pushBytes = ByteGate(limit: settings.pushMemoryMax)
        let table = table
        parts.tails.register(parts.registry)
        parts.registry.gauge("tailrace_http_connections", "Open connections.") { Double(table.count) }
    }

    /// Serves. `onListening` hears the port once it is open, which matters where the settings say 0.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let table = table
        var quiet = parts.logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        let application = settings.application(
            LokiResponder(server: self), table: table, logger: quiet, onListening: onListening)
        defer {
            table.cancelAll()
            for lane in [queries, catalogue, pushes] { lane.stop() }
        }
        do {
            try await application.run()
        } catch {
            throw ListenFailure.explained(error, settings) { host, port in "--listen \(host):\(port)" }
        }
    }

    /// Running queries stop as if their clients had left. Call it when the process wants to end sooner than the longest
    /// query.
    package func cancelQueries() { table.cancelAll() }
}
