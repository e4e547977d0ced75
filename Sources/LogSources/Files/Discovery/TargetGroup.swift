import LogModel

/// Some targets with labels in common, as a target file holds them.
package struct TargetGroup: Sendable, Equatable {
    /// Each becomes the `__address__` of a target.
    package var targets: [String]
    package var labels: Labels

    package init(targets: [String], labels: Labels) {
        self.targets = targets
        self.labels = labels
    }
}

/// One entry of `file_sd_configs`.
package struct FileDiscoverySettings: Sendable {
    /// Index and name of the scrape configuration.
    package var job: Int
    package var jobName: String
    /// Paths of target files; the last component may hold one `*`.
    package var files: [String]
    /// How often all of them are looked at again without being told to.
    package var refreshInterval: Duration = .seconds(300)
    /// What the targets have in common: rules, encoding, decompression. Its labels are not used.
    package var target: FileTargetSettings

    package init(job: Int, jobName: String, files: [String], target: FileTargetSettings) {
        self.job = job
        self.jobName = jobName
        self.files = files
        self.target = target
    }
}
