/// What sources count, for `/metrics`. They do not know the registry: the service maps these to metric names.
package enum SourceCounter: String, Sendable, CaseIterable {
    case filesOpened, filesFinished, filesFailed
    case lines, bytes
    /// Lines longer than the limit: delivered up to it; `bytesCut` is what is missing of them.
    case linesCut, bytesCut
    /// Leading NUL bytes of lines: holes that `copytruncate` leaves behind.
    case nulBytesSkipped
    /// Files rotated by name; files that were cut or overwritten in place.
    case rotations, truncations
    /// Copies that `copytruncate` left, from which the rest of a file was read.
    case copiesRead
    /// Bytes seen in a file, but overwritten or unlinked before they were read.
    case bytesLost
    case readErrors
    /// Code units of another encoding that made no sense there.
    case charactersReplaced
    /// Target files of `file_sd_configs` that could not be read or understood.
    case targetFilesFailed
    /// Events that the kernel dropped; everything is looked at again after one.
    case watchOverflows
    case syslogEntries
    /// Messages whose header was not as the format has it: what followed it was delivered as text.
    case syslogPartial
    case syslogEmpty, syslogDropped
    /// Datagrams that came while there was no room.
    case syslogShed
    /// Connections closed because nothing could be made of what they sent.
    case syslogBroken
    /// Lines of containers; those that relabelling dropped.
    case dockerEntries, dockerDropped
    /// Logs of containers that could not be read, and lines in them without a time.
    case dockerErrors
    /// Times the connection to a daemon was lost or not to be had.
    case dockerReconnects
    /// Failures to ask Kubernetes for its pods.
    case kubernetesErrors
    case pushEntries
    /// Entries of streams that relabelling dropped.
    case pushDropped
    /// Requests that were not answered with success.
    case pushRefused
    case journalEntries, journalBytes
    case journalWithoutMessage, journalWithoutLabels, journalDropped
    /// The helper process died and was started again.
    case journalRestarts
    /// The committed cursor was gone: entries between it and the next may be lost to a vacuum.
    case journalCursorsLost
}

/// Something a person should read.
package struct SourceReport: Sendable, Equatable {
    package enum Level: Sendable { case info, warning, error }

    package var level: Level
    package var message: String
    /// The file or journal it is about.
    package var subject: String
}

/// Where sources tell what happens. Called from their threads, once a batch at most.
package struct SourceEvents: Sendable {
    package var count: @Sendable (SourceCounter, UInt64) -> Void
    package var report: @Sendable (SourceReport) -> Void

    package init(
        count: @escaping @Sendable (SourceCounter, UInt64) -> Void = { _, _ in },
        report: @escaping @Sendable (SourceReport) -> Void = { _ in }
    ) {
        self.count = count
        self.report = report
    }

    package func tell(_ level: SourceReport.Level, _ subject: String, _ message: String) {
        report(SourceReport(level: level, message: message, subject: subject))
    }
}
