import Bytes
import Disk
import Glibc
import LogPipeline
import LogStore
import Synchronization

/// Keeps derived counters and histograms across restarts: loads what the last run had counted, writes it every two seconds and
/// at the end, beside the positions file, or in the store's directory.
///
/// A restart loses nothing and counts nothing twice. After a crash what was counted since the last file is missing; lines
/// that are read again because they were not delivered do not count again.
final class MetricsSaver: Sendable {
    private let path: String
    private let environment: PipelineEnvironment
    private let disk: any Disk
    private let log: ServiceLog
    private let stopping = Atomic<Bool>(false)
    private let worker = Mutex<Worker?>(nil)
    private struct Written {
        /// Checksum of the file that was written last.
        var sum: UInt32?
        /// Whether the last try failed, which was told.
        var isFailing = false
    }

    private let written = Mutex(Written())

    private static let pauseSeconds = 2.0

    /// Loads; before the first pipeline is made. A damaged file is told of, and everything begins at zero.
    convenience init(_ plan: ServicePlan, _ environment: PipelineEnvironment, storesHere: Bool, log: ServiceLog) {
        // Whoever removes the positions file wants everything read anew, and counted.
        let isThere = storesHere || access(plan.positionsPath, F_OK) == 0
        self.init(
            path: storesHere ? plan.store.directory + "/metrics.collector" : plan.positionsPath + ".metrics", loads: isThere, environment,
            log: log)
    }

    init(path: String, loads: Bool = true, _ environment: PipelineEnvironment, disk: any Disk = PosixDisk(), log: ServiceLog) {
        self.path = path
        self.environment = environment
        self.disk = disk
        self.log = log
        guard loads else { return }
        do {
            guard try disk.size(of: path) != nil else { return }
            let bytes = try disk.contents(of: path)
            environment.restore(try withExtendedLifetime(bytes) { try MetricSnapshot(bytes.view) })
        } catch { log.warning("\(path): \(error); metrics of earlier runs are not used") }
    }

    func start() {
        let thread = Worker("metrics") { [self] in
            var elapsed = 0.0
            while !stopping.load(ordering: .relaxed) {
                usleep(50_000)
                elapsed += 0.05
                if elapsed >= Self.pauseSeconds {
                    elapsed = 0
                    save()
                }
            }
        }
        worker.withLock { $0 = thread }
    }

    /// Writes a last time. When sources have ended.
    func stop() {
        stopping.store(true, ordering: .relaxed)
        worker.withLock { thread in
            thread?.join()
            thread = nil
        }
        save()
    }

    /// Writes where anything changed since the last time. Blocks.
    func save() {
        let snapshot = environment.metricSnapshot()
        if snapshot.isEmpty { return }
        let bytes = snapshot.encode()
        let sum = CRC32C.of(bytes.view)
        written.withLock { written in
            if written.sum == sum { return }
            do throws(DiskError) {
                try disk.atomicReplace(path, with: bytes.view)
                written = Written(sum: sum)
            } catch {
                if !written.isFailing { log.warning("metrics are not saved: \(error)") }
                written.isFailing = true
            }
        }
    }
}
