import LogModel
import LogSources
import Metrics
import Synchronization

/// How many files or stretches of them could not be read: `--once` must not end as if it had read all.
final class UnreadCount: Sendable {
    private let count = Atomic<UInt64>(0)
    var value: UInt64 { count.load(ordering: .relaxed) }

    func note(_ counter: SourceCounter, _ amount: UInt64) {
        if counter == .filesFailed || counter == .readErrors { count.add(amount, ordering: .relaxed) }
    }
}

/// Counters of sources under the names that `/metrics` shows.
enum SourceMeters {
    static func events(
        _ registry: Registry, unread: UnreadCount, log: ServiceLog
    ) -> SourceEvents {
        var counters: [SourceCounter: Counter] = [:]
        for counter in SourceCounter.allCases {
            let (name, help) = words(counter)
            counters[counter] = registry.counter(name, help)
        }
        let known = counters
        return SourceEvents(
            count: { counter, count in
                known[counter]?.add(Double(count))
                unread.note(counter, count)
            },
            report: { log.note($0) })
    }

    private static func words(_ counter: SourceCounter) -> (String, String) {
        switch counter {
        case .filesOpened: ("tailrace_files_opened_total", "Files opened for tailing.")
        case .filesFinished: ("tailrace_files_finished_total", "Files read to the end and given up.")
        case .filesFailed: ("tailrace_files_failed_total", "Files that could not be opened.")
        case .lines: ("tailrace_read_lines_total", "Lines read from files.")
        case .bytes: ("tailrace_read_bytes_total", "Bytes read from files.")
        case .linesCut: ("tailrace_lines_cut_total", "Lines over the length limit, delivered up to it.")
        case .bytesCut: ("tailrace_bytes_cut_total", "Bytes missing of lines over the length limit.")
        case .nulBytesSkipped: ("tailrace_nul_bytes_skipped_total", "NUL bytes at the beginning of lines, left behind by copytruncate.")
        case .rotations: ("tailrace_file_rotations_total", "Files rotated by name.")
        case .truncations: ("tailrace_file_truncations_total", "Files cut or overwritten in place.")
        case .copiesRead: ("tailrace_file_copies_read_total", "Copies left by copytruncate from which the rest of a file was read.")
        case .bytesLost: ("tailrace_bytes_lost_total", "Bytes overwritten or unlinked before they were read.")
        case .readErrors: ("tailrace_read_errors_total", "Errors of the file system while reading.")
        case .charactersReplaced: ("tailrace_characters_replaced_total", "Characters that the configured encoding has no meaning for.")
        case .targetFilesFailed: ("tailrace_target_files_failed_total", "Target files of file_sd_configs that could not be read or understood.")
        case .watchOverflows: ("tailrace_watch_overflows_total", "Times the kernel dropped file events.")
        case .syslogEntries: ("tailrace_syslog_entries_total", "Syslog messages delivered.")
        case .syslogPartial: ("tailrace_syslog_partial_total", "Syslog messages whose header could not be read to its end.")
        case .syslogEmpty: ("tailrace_syslog_empty_total", "Syslog messages without text.")
        case .syslogDropped: ("tailrace_syslog_dropped_total", "Syslog messages that relabelling dropped.")
        case .syslogShed: ("tailrace_syslog_shed_total", "Syslog datagrams that came while there was no room.")
        case .syslogBroken: ("tailrace_syslog_broken_total", "Syslog connections closed because of what they sent, or over the limit.")
        case .dockerEntries: ("tailrace_docker_entries_total", "Lines of containers.")
        case .dockerDropped: ("tailrace_docker_dropped_total", "Lines of containers that relabelling dropped.")
        case .dockerErrors: ("tailrace_docker_errors_total", "Logs of containers that could not be read, and lines in them without a time.")
        case .dockerReconnects: ("tailrace_docker_reconnects_total", "Times the connection to a Docker daemon was lost or not to be had.")
        case .kubernetesErrors: ("tailrace_kubernetes_errors_total", "Failures to ask Kubernetes for its pods.")
        case .pushEntries: ("tailrace_push_target_entries_total", "Entries taken from pushes to the collector.")
        case .pushDropped: ("tailrace_push_target_dropped_total", "Pushed entries of streams that relabelling dropped.")
        case .pushRefused: ("tailrace_push_target_refused_total", "Requests to the collector's push ports that were answered with an error.")
        case .journalEntries: ("tailrace_journal_entries_total", "Journal entries read.")
        case .journalBytes: ("tailrace_journal_bytes_total", "Bytes of journal entries read.")
        case .journalWithoutMessage: ("tailrace_journal_without_message_total", "Journal entries without a message.")
        case .journalWithoutLabels: ("tailrace_journal_without_labels_total", "Journal entries without labels after relabelling.")
        case .journalDropped: ("tailrace_journal_dropped_total", "Journal entries that relabelling dropped.")
        case .journalRestarts: ("tailrace_journal_restarts_total", "Times the journal's helper process was started again.")
        case .journalCursorsLost: ("tailrace_journal_cursors_lost_total", "Times a committed cursor was gone from the journal.")
        }
    }
}

extension ServiceLog {
    /// What a source has to say, at its level.
    func note(_ report: SourceReport) {
        let words = "\(report.subject): \(report.message)"
        switch report.level {
        case .info: info(words)
        case .warning: warning(words)
        case .error: error(words)
        }
    }
}
