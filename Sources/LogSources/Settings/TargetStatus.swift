import LogModel

/// What a source follows, as `/targets` shows it.
package struct TargetStatus: Sendable, Equatable {
    /// A file of a target.
    package struct File: Sendable, Equatable {
        package var path: String
        /// Read up to here, bytes.
        package var offset: UInt64
        package var size: UInt64
        /// Delivered by this process.
        package var lines: UInt64
        package var isRotated: Bool

        package init(path: String, offset: UInt64, size: UInt64, lines: UInt64, isRotated: Bool) {
            self.path = path
            self.offset = offset
            self.size = size
            self.lines = lines
            self.isRotated = isRotated
        }
    }

    /// Name of the scrape configuration.
    package var job: String
    /// `files`, `journal`, `syslog` …
    package var type: String
    package var isReady: Bool
    package var labels = Labels()
    /// Before relabelling.
    package var discovered = Labels()
    package var files: [File] = []

    package init(job: String, type: String, isReady: Bool) {
        self.job = job
        self.type = type
        self.isReady = isReady
    }
}

extension CollectorSource {
    /// One target, by the name: `<type>:<job>`.
    package func targetStatus() -> [TargetStatus] {
        let parts = name.split(separator: ":", maxSplits: 1)
        return [TargetStatus(job: parts.count > 1 ? String(parts[1]) : "", type: String(parts.first ?? ""), isReady: isReady)]
    }
}
