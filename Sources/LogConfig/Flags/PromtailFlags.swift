import Bytes
import Glibc
import LogModel
import LogPipeline
import LogServer
import LogShipping
import LogSources

/// Promtail's command line, so that the unit file of a host changes one word. What is given here counts over the file.
package struct PromtailFlags: Sendable {
    /// `-config.file`: the first of them that exists is read.
    package private(set) var files: [String] = []
    package private(set) var expandsEnvironment = false
    /// Print what would be sent, and move no position.
    package private(set) var isDryRun = false
    /// Show what each stage does to each line.
    package private(set) var inspects = false
    package private(set) var readsStdin = false
    package private(set) var checksSyntax = false
    package private(set) var printsConfiguration = false
    package private(set) var showsVersion = false
    /// Not Promtail's: ways in that this version cannot read are skipped.
    package private(set) var ignoresUnsupported = false
    /// Flags that mean nothing here.
    package private(set) var ignored: [String] = []
    private var changes: [@Sendable (inout Configuration) -> Void] = []
    private var client: ClientSettings?
    private var externalLabels = Labels()

    /// Flags that Promtail has and that nothing here depends on: no gRPC, no tracing, no pprof.
    private static let meaningless: [String: GoFlags.Kind] = [
        "log-config-reverse-order": .bool, "tracing.enabled": .bool, "server.profiling_enabled": .bool,
        "server.register-instrumentation": .bool, "server.grpc-listen-address": .text, "server.grpc-listen-port": .text,
        "server.grpc-listen-network": .text, "server.grpc-conn-limit": .text, "server.grpc-max-recv-msg-size-bytes": .text,
        "server.grpc-max-send-msg-size-bytes": .text, "server.grpc-max-concurrent-streams": .text,
        "server.http-listen-network": .text, "server.http-conn-limit": .text, "server.http-read-timeout": .text,
        "server.http-write-timeout": .text, "server.http-idle-timeout": .text, "server.graceful-shutdown-timeout": .text,
        "server.path-prefix": .text, "server.log-source-ips-enabled": .bool, "log.format": .text, "log.level": .text,
    ]

    private static let known: [String: GoFlags.Kind] = meaningless.merging([
        "config.file": .text, "config.expand-env": .bool, "dry-run": .bool, "inspect": .bool, "stdin": .bool,
        "check-syntax": .bool, "ignore-unsupported": .bool, "version": .bool, "print-config-stderr": .bool,
        "server.http-listen-address": .text, "server.http-listen-port": .text, "server.disable": .bool,
        "server.enable-runtime-reload": .bool,
        "client.url": .text, "client.batch-wait": .text, "client.batch-size-bytes": .text, "client.max-retries": .text,
        "client.min-backoff": .text, "client.max-backoff": .text, "client.timeout": .text, "client.external-labels": .text,
        "client.tenant-id": .text, "client.drop-rate-limited-batches": .bool,
        "positions.file": .text, "positions.sync-period": .text, "positions.ignore-invalid-yaml": .bool,
        "target.sync-period": .text,
        "limit.readline-rate": .text, "limit.readline-burst": .text, "limit.readline-rate-enabled": .bool,
        "limit.readline-rate-drop": .bool, "max-streams": .text, "max-line-size": .text, "max-line-size-truncate": .bool,
        "file-watch.min_poll_frequency": .text, "file-watch.max_poll_frequency": .text,
    ]) { $1 }

    package init(_ arguments: [String]) throws(GoFlags.UsageError) {
        let flags = try GoFlags(arguments, known: Self.known)
        if let word = flags.rest.first {
            throw GoFlags.UsageError(description: "unexpected argument: \(word)")
        }
        for (name, value) in flags.values {
            if Self.meaningless[name] != nil { ignored.append("-\(name)") } else { try take(name, value) }
        }
    }

    /// The first of `files` that can be opened, else the first; nil: none is given.
    package var file: String? {
        files.first { path in
            let handle = open(path, O_RDONLY | O_CLOEXEC)
            if handle >= 0 { close(handle) }
            return handle >= 0
        } ?? files.first
    }

    private mutating func take(_ name: String, _ value: String) throws(GoFlags.UsageError) {
        func bad(_ what: String) -> GoFlags.UsageError {
            GoFlags.UsageError(description: "invalid value \"\(value)\" for flag -\(name): \(what)")
        }
        func bool() throws(GoFlags.UsageError) -> Bool {
            guard let truth = GoFlags.bool(value) else { throw bad("true or false") }
            return truth
        }
        func whole() throws(GoFlags.UsageError) -> Int {
            guard let number = Int(value), number >= 0 else { throw bad("a whole number") }
            return number
        }
        func time() throws(GoFlags.UsageError) -> Int64 {
            guard let time = GoDuration.parse(value), time >= 0 else { throw bad("a duration, as in 1m30s") }
            return time
        }
        func size() throws(GoFlags.UsageError) -> Int {
            guard let size = ByteSize.parse(value) else { throw bad("a size, as in 256kb") }
            return size
        }
        switch name {
        case "config.file": files = value.split(separator: ",").map { String($0.drop { $0 == " " }) }
        case "config.expand-env": expandsEnvironment = try bool()
        case "dry-run": isDryRun = try bool()
        case "inspect": inspects = try bool()
        case "stdin": readsStdin = try bool()
        case "check-syntax": checksSyntax = try bool()
        case "ignore-unsupported": ignoresUnsupported = try bool()
        case "version": showsVersion = try bool()
        case "print-config-stderr": printsConfiguration = try bool()
        case "server.http-listen-address": changes.append { $0.server.host = value.isEmpty ? "0.0.0.0" : value }
        case "server.http-listen-port":
            let port = try whole()
            guard port <= 65_535 else { throw bad("a port") }
            changes.append {
                $0.server.port = port
                $0.serverOptions.isGiven = true
            }
        case "server.disable":
            let truth = try bool()
            changes.append { $0.serverOptions.disable = truth }
        case "server.enable-runtime-reload":
            let truth = try bool()
            changes.append { $0.serverOptions.enableRuntimeReload = truth }
        case "client.external-labels":
            for part in value.split(separator: ",") {
                let pair = part.split(separator: "=", maxSplits: 1)
                guard pair.count == 2, !pair[0].isEmpty else { throw bad("name=value, separated by commas") }
                externalLabels[ByteString(String(pair[0]))] = ByteString(String(pair[1]))
            }
        case "positions.file":
            changes.append {
                $0.positions.filename = value
                $0.positions.isGiven = true
            }
        case "positions.sync-period":
            let period = try time()
            changes.append { $0.positions.syncPeriod = period }
        case "positions.ignore-invalid-yaml":
            let truth = try bool()
            changes.append { $0.positions.ignoreInvalidYAML = truth }
        case "target.sync-period":
            let period = try time()
            changes.append { $0.files.resyncInterval = .nanoseconds(period) }
        case "limit.readline-rate":
            guard let rate = Double(value), rate > 0, rate.isFinite else { throw bad("a number above 0") }
            changes.append { $0.collectorLimits.readlineRate = rate }
        case "limit.readline-burst":
            let burst = try whole()
            changes.append { $0.collectorLimits.readlineBurst = burst }
        case "limit.readline-rate-enabled":
            let truth = try bool()
            changes.append { $0.collectorLimits.readlineRateEnabled = truth }
        case "limit.readline-rate-drop":
            let truth = try bool()
            changes.append { $0.collectorLimits.readlineRateDrop = truth }
        case "max-streams":
            let count = try whole()
            changes.append { $0.collectorLimits.maxStreams = count }
        case "max-line-size":
            let size = try size()
            changes.append { $0.collectorLimits.maxLineSize = size }
        case "max-line-size-truncate":
            let truth = try bool()
            changes.append { $0.collectorLimits.maxLineSizeTruncate = truth }
        case "file-watch.min_poll_frequency": break
        case "file-watch.max_poll_frequency":
            let interval = try time()
            if interval > 0 { changes.append { $0.files.pollInterval = .nanoseconds(interval) } }
        default: try takeClient(name, value, bool: bool, whole: whole, time: time, size: size)
        }
    }

    /// The single client of old command lines: it counts where its URL is given.
    private mutating func takeClient(
        _ name: String, _ value: String, bool: () throws(GoFlags.UsageError) -> Bool,
        whole: () throws(GoFlags.UsageError) -> Int, time: () throws(GoFlags.UsageError) -> Int64,
        size: () throws(GoFlags.UsageError) -> Int
    ) throws(GoFlags.UsageError) {
        var client = self.client ?? ClientSettings(url: "")
        switch name {
        case "client.url": client.url = value
        case "client.batch-wait": client.batchWait = try time()
        case "client.batch-size-bytes": client.batchSize = try size()
        case "client.max-retries": client.maxRetries = try whole()
        case "client.min-backoff": client.backoffMin = try time()
        case "client.max-backoff": client.backoffMax = try time()
        case "client.timeout": client.timeout = try time()
        case "client.tenant-id": client.tenantID = value
        case "client.drop-rate-limited-batches": client.dropRateLimitedBatches = try bool()
        default: break
        }
        self.client = client
    }

    /// Puts what the command line says over a file's configuration.
    package func apply(to configuration: inout Configuration) {
        for change in changes { change(&configuration) }
        if let client, !client.url.isEmpty { configuration.clients.append(client) }
        for i in configuration.clients.indices {
            for label in externalLabels.pairs where configuration.clients[i].externalLabels[label.name] == nil {
                configuration.clients[i].externalLabels[label.name] = label.value
            }
        }
        if readsStdin { configuration.readsStdin = true }
        configuration.serverOptions.promtailMetrics = true
    }
}
