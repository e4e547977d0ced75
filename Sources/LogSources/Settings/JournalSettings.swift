import LogModel

/// Where a journal is.
package enum JournalPlace: Sendable, Equatable {
    /// This host's, persistent and volatile.
    case system
    case directory(String)
    case files([String])
}

/// A `journal` block of a scrape configuration.
package struct JournalSettings: Sendable {
    /// Index and name of the scrape configuration; the name is part of the position's key.
    package var job: Int
    package var jobName: String
    package var place: JournalPlace = .system
    /// How far back to begin without a position.
    package var maxAge: Duration = .seconds(7 * 3600)
    /// Lines are JSON objects of all fields instead of `MESSAGE`.
    package var json = false
    /// `FIELD=value`: of one field any, of several fields all.
    package var matches: [String] = []
    package var labels = Labels()
    package var relabel: [RelabelRule] = []
    /// Adds `unit` (`_SYSTEMD_UNIT`, else `SYSLOG_IDENTIFIER`) and `level` (the keyword of `PRIORITY`) where relabelling has
    /// not set them. Off for a promtail.yaml, whose streams must stay as they are.
    package var addsUnitAndLevel = false
    /// A cursor that another collector left behind, for a first start here.
    package var importedCursor: String?
    /// Longest line, bytes; also how much of one field is read.
    package var maxLineBytes = 16 << 20

    package init(job: Int, jobName: String) {
        self.job = job
        self.jobName = jobName
    }
}
