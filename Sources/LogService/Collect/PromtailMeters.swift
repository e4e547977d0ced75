import Bytes
import LogModel
import LogSources
import Metrics
import Synchronization

/// What sources do, under Promtail's metric names, for dashboards that were made for it (`server.promtail_metrics: true`).
///
/// Made anew whenever somebody looks. Series by path are the reason why Promtail's own metrics grow without end: here they go when their
/// file is let go of, and there are `pathsMax` at most.
final class PromtailMeters: Sendable {
    private static let pathsMax = 2_000

    /// A counter of Promtail's and the one of ours that it follows.
    private static let followed: [(name: String, help: String, ours: String)] = [
        ("promtail_journal_target_lines_total", "Total number of successful journal lines read", "tailrace_journal_entries_total"),
        ("promtail_docker_target_entries_total", "Total number of successful entries sent to the Docker target", "tailrace_docker_entries_total"),
        ("promtail_docker_target_parsing_errors_total", "Total number of parsing errors while receiving Docker messages", "tailrace_docker_errors_total"),
        ("promtail_syslog_target_entries_total", "Total number of successful entries sent to the syslog target", "tailrace_syslog_entries_total"),
        ("promtail_syslog_target_parsing_errors_total", "Total number of parsing errors while receiving syslog messages", "tailrace_syslog_partial_total"),
        ("promtail_syslog_empty_messages_total", "Total number of empty messages receiving from syslog", "tailrace_syslog_empty_total"),
    ]

    private struct State {
        /// Lines of each path when it was looked at last.
        var lines: [String: UInt64] = [:]
        var counts: [String: Double] = [:]
    }

    private let registry: Registry
    private let targets: @Sendable () -> [TargetStatus]
    private let state = Mutex(State())

    /// Registers itself; `targets` is asked at each exposition.
    init(_ registry: Registry, targets: @escaping @Sendable () -> [TargetStatus]) {
        self.registry = registry
        self.targets = targets
        registry.gauge("promtail_build_info", "What this is.", ["version": ServiceVersion.number, "branch": "tailrace"]).set(1)
        registry.beforeExposing { [self] in update() }
    }

    func update() {
        let now = targets()
        registry.gauge("promtail_targets_active_total", "Number of active total.").set(Double(now.count))
        // Of a path that was rotated the file that has the name now counts.
        var files: [String: TargetStatus.File] = [:]
        for file in now.lazy.flatMap(\.files) where !file.isRotated && files.count < Self.pathsMax { files[file.path] = file }
        registry.gauge("promtail_files_active_total", "Number of active files.").set(Double(now.reduce(0) { $0 + $1.files.count }))
        state.withLock { state in
            for (path, file) in files {
                let labels = Labels([Label("path", ByteString(path))])
                registry.gauge("promtail_read_bytes_total", "Number of bytes read.", labels).set(Double(file.offset))
                registry.gauge("promtail_file_bytes_total", "Number of bytes total.", labels).set(Double(file.size))
                let before = state.lines[path] ?? 0
                // Another file has the path: it begins at 0.
                let more = file.lines >= before ? file.lines - before : file.lines
                registry.counter("promtail_read_lines_total", "Number of lines read.", labels).add(Int(clamping: more))
                state.lines[path] = file.lines
            }
            for path in Array(state.lines.keys) where files[path] == nil {
                let labels = Labels([Label("path", ByteString(path))])
                for name in ["promtail_read_bytes_total", "promtail_file_bytes_total", "promtail_read_lines_total"] { registry.remove(name, labels) }
                state.lines[path] = nil
            }
            for one in Self.followed {
                let value = registry.value(one.ours) ?? 0
                let counter = registry.counter(one.name, one.help)
                counter.add(Int(max(0, value - (state.counts[one.name] ?? 0))))
                state.counts[one.name] = value
            }
        }
    }
}
