import Bytes
import Disk
import LogModel

/// A copy of a store as it is at one moment, made beside whoever has it open: a data directory of its own, which
/// `serve` and `verify` take like any other.
///
/// - Segments never change, so they get a second name (a copy on another file system); the log behind the manifest's
///   floor is copied; the manifest is written anew.
/// - Every line acknowledged before the call is in it. Whether the floor moved in between is looked at afterwards, as
///   `StoreView` does, and then all of it is done again.
/// - `CURRENT` comes last: a directory without it is no finished snapshot.
package struct StoreSnapshot: Sendable, Equatable {
    package var path: String
    package var segments = 0
    /// Bytes of segments, linked or copied.
    package var segmentBytes = 0
    /// Of them and of the log, those that were copied.
    package var copiedBytes = 0

    private static let attemptsMax = 50

    /// `target` must be missing or empty. Blocks. What was made is removed again when it fails.
    package static func make(
        of directory: String, at target: String, disk: any Disk = PosixDisk()
    ) throws(StoreError) -> StoreSnapshot {
        _ = try StoreView.open(directory, disk: disk)
        do throws(DiskError) {
            if let present = try? disk.list(target), !present.isEmpty {
                throw DiskError(.makeDirectory, target, DiskError.notEmpty)
            }
            try disk.makeDirectory(target)
        } catch { throw StoreError(error, "making a snapshot at \(target)") }
        do throws(StoreError) {
            var attempt = 1
            while true {
                if let made = try attemptOnce(directory, target, disk) { return made }
                guard attempt < attemptsMax else {
                    throw StoreError(.retryLater, "the store in \(directory) changes faster than it can be copied: try again")
                }
                attempt += 1
                clear(target, disk)
            }
        } catch {
            clear(target, disk)
            throw error
        }
    }

    private static func clear(_ target: String, _ disk: any Disk) {
        for name in (try? disk.list(target)) ?? [] { try? disk.unlink(DiskPath.join(target, name)) }
    }

    /// Nil when the store moved on under it.
    private static func attemptOnce(
        _ directory: String, _ target: String, _ disk: any Disk
    ) throws(StoreError) -> StoreSnapshot? {
        var made = StoreSnapshot(path: target)
        let names: [String]
        do throws(DiskError) {
            // First, as in `StoreView`: what they hide must stay hidden in older segments.
            let requests = DiskPath.join(directory, StoreNames.deletions)
            if try disk.size(of: requests) != nil {
                let contents = try disk.contents(of: requests)
                try disk.atomicReplace(DiskPath.join(target, StoreNames.deletions), with: contents.view)
            }
            names = try disk.list(directory)
        } catch { throw StoreError(error, "making a snapshot of \(directory)") }
        let reading = try ManifestLog.read(disk: disk, directory: directory, names: names)
        guard !reading.incomplete else {
            throw StoreError(
                .damaged, "the manifest of \(directory) is damaged, so nobody can say what belongs to the store: start it once")
        }
        for entry in reading.manifest.segments.values.sorted(by: { $0.number < $1.number }) {
            let name = StoreNames.segmentName(entry.number)
            let (from, to) = (DiskPath.join(directory, name), DiskPath.join(target, name))
            do throws(DiskError) {
                do throws(DiskError) { try disk.link(from, to: to) } catch {
                    guard error.cannotLink else { throw error }
                    made.copiedBytes += try disk.copy(from, to: to)
                }
            } catch {
                if error.isMissing, try !isListed(entry.number, directory, disk) { return nil }
                // A segment that is missing for good was reported when the store was opened; the rest is worth keeping.
                if error.isMissing { continue }
                throw StoreError(error, "making a snapshot of \(directory)")
            }
            made.segments += 1
            made.segmentBytes += entry.size
        }
        made.copiedBytes += try copyLog(directory, target, names, reading.manifest.floor, disk)
        guard try floor(directory, disk) == reading.manifest.floor else { return nil }
        do throws(DiskError) { try disk.syncDirectory(target) } catch {
            throw StoreError(error, "making a snapshot at \(target)")
        }
        let manifest = ManifestLog(disk: disk, directory: target, lastNumber: 0, keepsOld: false)
        try manifest.commit(reading.manifest.snapshot)
        manifest.close()
        return made
    }

    private static func reading(_ directory: String, _ disk: any Disk) throws(StoreError) -> ManifestLog.Reading {
        let names: [String]
        do throws(DiskError) { names = try disk.list(directory) } catch {
            throw StoreError(error, "reading data directory \(directory)")
        }
        return try ManifestLog.read(disk: disk, directory: directory, names: names)
    }

    private static func floor(_ directory: String, _ disk: any Disk) throws(StoreError) -> UInt64 {
        try reading(directory, disk).manifest.floor
    }

    private static func isListed(_ number: UInt64, _ directory: String, _ disk: any Disk) throws(StoreError) -> Bool {
        try reading(directory, disk).manifest.segments[number] != nil
    }

    /// Files with records behind the floor. Their ends, which somebody may be writing to, are left out.
    private static func copyLog(
        _ directory: String, _ target: String, _ names: [String], _ floor: UInt64, _ disk: any Disk
    ) throws(StoreError) -> Int {
        let replay = try WalReplay.read(disk: disk, directory: directory, names: names)
        defer { for file in replay.files { file.handle.close() } }
        var ends: [Int: Int] = [:]
        for entry in replay.entries { ends[entry.file] = max(ends[entry.file] ?? 0, entry.offset + entry.length) }
        var copied = 0
        for (number, file) in replay.files.enumerated() {
            // Older files whose records are all in segments say nothing; the younger ones count on each other.
            if copied == 0, file.last <= floor, number + 1 < replay.files.count { continue }
            do throws(DiskError) {
                // Where something is damaged, all bytes: recovery shall find there what it would find here.
                let size = replay.damaged.isEmpty ? ends[number] ?? WalFormat.dataStart : nil
                copied += try disk.copy(
                    file.handle.path, to: DiskPath.join(target, WalFormat.fileName(file.number)), size: size)
            } catch {
                // Removed meanwhile: the floor has moved, which the caller will see.
                if error.isMissing { return copied }
                throw StoreError(error, "making a snapshot of \(directory)")
            }
        }
        return copied
    }
}
