import Bytes
import LogModel

/// How files are read. The defaults suit a host; tests shorten the times.
package struct FileSourceSettings: Sendable, Equatable {
    package enum Start: Sendable, Equatable { case beginning, end }

    /// Bytes asked of the kernel at once. 256 KiB stays in the second-level cache until the line is parsed.
    package var blockSize = 256 << 10
    /// Bytes that one file may take before the next has its turn.
    package var turnSize = 1 << 20
    /// Longest line; what is longer is cut here. Also the most memory that one unfinished line takes.
    package var maxLineBytes = 16 << 20
    /// Memory that unfinished lines of all files may take. Beyond it lines longer than 64 KiB are cut where they are.
    package var unfinishedBytesMax = 256 << 20
    /// How long a rotated file must be silent before it is given up.
    package var rotateWait: Duration = .seconds(5)
    /// How long a renamed file is kept while no new one has taken its place: its writer has not been told yet.
    package var renamedWait: Duration = .seconds(600)
    /// How long files of a target that is gone are read on while they are written to.
    package var leaveWait: Duration = .seconds(60)
    /// How often files that were busy lately are looked at without being told to.
    package var pollInterval: Duration = .milliseconds(250)
    /// How long after its last line a file counts as busy.
    package var busyFor: Duration = .seconds(5)
    /// How often all patterns are expanded again.
    package var resyncInterval: Duration = .seconds(10)
    /// Shortest time between two rounds through files with news: collects small writes into one batch.
    package var pacing: Duration = .milliseconds(10)
    /// Open files. 0: half of what the process may hold.
    package var maxOpenFiles = 0
    /// Where to begin in files that are there at start and have no position.
    package var startAt: Start = .beginning
    /// Files without a change for longer than this are not read until they change.
    package var ignoreOlder: Duration?
    /// Frees the page cache behind the reader in files with a backlog, which the host's own work needs more.
    package var dropsCache = true
    /// Whether inotify is used. Without it everything is polled.
    package var watches = true

    package init() {}
}

/// A file target as configured: labels before relabelling, `__path__` among them.
package struct FileTargetSettings: Sendable {
    /// Index of the scrape configuration.
    package var job: Int
    package var jobName: String
    package var labels: Labels
    package var relabel: [RelabelRule]
    /// nil: UTF-8, or whatever bytes there are.
    package var encoding: TextEncoding?
    /// nil: every file is tailed as it is.
    package var decompression: Decompression?

    /// `labels` hold `__path__` and, where wanted, `__path_exclude__` and `__host__`, as Promtail has it.
    package init(job: Int, jobName: String, labels: Labels, relabel: [RelabelRule] = []) {
        self.job = job
        self.jobName = jobName
        self.labels = labels
        self.relabel = relabel
    }

    /// For callers without a promtail.yaml: one target a path.
    package init(job: Int, jobName: String, path: String, exclude: String? = nil, labels: Labels = Labels()) {
        var all = labels
        all["__path__"] = ByteString(path)
        if let exclude { all["__path_exclude__"] = ByteString(exclude) }
        self.init(job: job, jobName: jobName, labels: all)
    }
}

/// Why a target is not followed; the words are the `reason` of `promtail_targets_failed_total`.
package enum TargetFailure: String, Error, Sendable, Equatable {
    case dropped
    case wrongHost = "wrong_host"
    case noPath = "no_path"
    case exists
    case error
}

/// A file target after relabelling: patterns to expand, labels to attach.
package struct FileTarget: Sendable {
    package let job: Int
    package let jobName: String
    /// Without names beginning with `__`, without `filename`.
    package let labels: Labels
    /// Before relabelling, for `/service-discovery`.
    package let discovered: Labels
    package let encoding: TextEncoding?
    package let decompression: Decompression?
    /// Names it while it comes and goes: equal for equal targets of a job.
    package let id: Int
    let glob: Glob
    let exclude: Glob?
    package var path: String { glob.text.string }

    /// Relabels once, checks the host, compiles the patterns. `hostname`: `$HOSTNAME`, else the system's.
    package init(_ settings: FileTargetSettings, hostname: String) throws {
        guard let relabelled = RelabelRule.apply(settings.relabel, to: settings.labels) else {
            throw TargetFailure.dropped
        }
        if let host = relabelled["__host__"], host != ByteString(hostname) { throw TargetFailure.wrongHost }
        guard let path = relabelled["__path__"], !path.isEmpty else { throw TargetFailure.noPath }
        job = settings.job
        jobName = settings.jobName
        discovered = settings.labels
        encoding = settings.encoding
        decompression = settings.decompression
        glob = try Glob(path)
        let excluded = relabelled["__path_exclude__"] ?? ""
        exclude = excluded.isEmpty ? nil : try Glob(excluded)
        labels = Labels(relabelled.pairs.filter { !$0.name.hasPrefix("__") && !$0.value.isEmpty })
        let key = "\(job) \(Self.key(glob, labels, exclude))"
        id = Int(truncatingIfNeeded: key.withView { XXH3.of($0) })
    }

    /// Promtail's key: path, labels, exclusion. Of two targets with the same one is ignored (`exists`).
    package var key: String { Self.key(glob, labels, exclude) }

    private static func key(_ glob: Glob, _ labels: Labels, _ exclude: Glob?) -> String {
        "\(glob.text.string):\(labels.description):\(exclude?.text.string ?? "")"
    }

    /// Whether `path` is to be tailed.
    func matches(_ path: ByteString) -> Bool {
        glob.matches(path) && exclude?.matches(path) != true && !isArchive(path)
    }

    /// Whether `path` is left to `ArchiveSource`.
    func isArchive(_ path: ByteString) -> Bool { decompression?.covers(path) ?? false }

    /// All targets of a configuration; those that fail are told to `failed`, in order.
    package static func resolve(
        _ settings: [FileTargetSettings], hostname: String,
        failed: (FileTargetSettings, TargetFailure, String) -> Void = { _, _, _ in }
    ) -> [FileTarget] {
        var seen: Set<String> = []
        var targets: [FileTarget] = []
        for one in settings {
            do {
                let target = try FileTarget(one, hostname: hostname)
                if seen.insert("\(one.job) \(target.key)").inserted {
                    targets.append(target)
                } else {
                    failed(one, .exists, "an equal target exists already")
                }
            } catch let failure as TargetFailure {
                failed(one, failure, failure.rawValue)
            } catch {
                failed(one, .error, "\(error)")
            }
        }
        return targets
    }
}
