import Bytes

/// The only door to the file system for everything that must survive a crash: write-ahead log, segments, manifest,
/// spool.
///
/// Two rules of the kernel shape it. Data is durable after `DiskFile.sync`, but a new *name* only after
/// `syncDirectory` on the directory that holds it. And after a failed sync the kernel forgets which pages were dirty
/// (Rebello et al., ATC 2020): a second sync of the same file would lie, so callers give the file up and write
/// elsewhere.
///
/// `PosixDisk` is the real one. `SimDisk` in the test kit keeps what is live and what is synced apart and can lose
/// power. All calls block; none may be made from Swift's cooperative threads where they could take long.
package protocol Disk: Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile

    /// Atomic on one file system; an existing `target` is replaced. Durable after `syncDirectory`.
    func rename(_ source: String, to target: String) throws(DiskError)

    func unlink(_ path: String) throws(DiskError)

    /// Gives the file at `path` a second name; an existing one is an error (EEXIST). Durable after `syncDirectory`. The
    /// error's `cannotLink` is true where only a copy will do.
    func link(_ path: String, to name: String) throws(DiskError)

    /// Names in a directory, sorted, without `.` and `..`.
    func list(_ directory: String) throws(DiskError) -> [String]

    /// Makes the directory and its missing parents, durably. An existing one is fine.
    func makeDirectory(_ path: String) throws(DiskError)

    /// Makes creations, renames and removals in `directory` durable.
    func syncDirectory(_ directory: String) throws(DiskError)

    /// Bytes of a file; nil when there is none.
    func size(of path: String) throws(DiskError) -> Int?

    /// Of the file system that holds `path`.
    func space(at path: String) throws(DiskError) -> DiskSpace

    /// Takes the lock file at `path` (made if missing) for as long as the result is held. The holder's process id
    /// stands in the file. Where another holds it the error's `isLocked` is true and `holder` tells who.
    func lock(_ path: String) throws(DiskError) -> any DiskLock
}

package enum OpenMode: Sendable {
    case read
    /// A new file, for writing and reading. An existing one is an error (EEXIST).
    case create
    /// An existing file, for writing and reading.
    case update
}

/// An open file. Offsets and sizes are bytes. Reads and writes at distinct places may be made from several threads.
package protocol DiskFile: AnyObject, Sendable {
    var path: String { get }

    func size() throws(DiskError) -> Int

    /// Fills `buffer` from `offset`; fewer bytes only at the end of the file. Returns how many.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int

    /// Writes the parts one behind the other from `offset` on, growing the file. On an error any part of it may have
    /// been written.
    func write(_ parts: [ByteView], at offset: Int) throws(DiskError)

    /// Makes everything written so far durable, the size of the file included. After an error: give the file up.
    func sync() throws(DiskError)

    func truncate(to size: Int) throws(DiskError)

    /// Reserves room, so that later writes neither fail for want of space nor change metadata. The file's size
    /// becomes at least `size`. File systems that cannot do it do nothing.
    func preallocate(_ size: Int) throws(DiskError)

    /// Tells the kernel that `range` will not be read again soon. A hint: errors are swallowed.
    func forget(_ range: Range<Int>)

    /// Closing twice is fine. A file that is let go closes itself.
    func close()
}

extension Disk {
    /// A second file with the same bytes up to `size`, synced. The directory is the caller's to sync. Memory: 1 MiB.
    package func copy(_ path: String, to target: String, size: Int? = nil) throws(DiskError) -> Int {
        let source = try open(path, .read)
        defer { source.close() }
        let file = try open(target, .create)
        defer { file.close() }
        let whole = try source.size()
        let length = size ?? whole
        let piece = ByteArena(capacity: 1 << 20)
        var at = 0
        while at < length {
            piece.reset()
            try source.read(min(1 << 20, length - at), at: at, into: piece)
            try file.write([piece.view], at: at)
            at += piece.count
        }
        try file.sync()
        return length
    }
}

/// Held while the lock is; releasing is letting go or `release()`.
package protocol DiskLock: AnyObject, Sendable {
    func release()
}

package struct DiskSpace: Sendable, Equatable {
    /// Bytes that this user may still write.
    package var free: Int
    /// Size of the file system, bytes.
    package var total: Int

    package init(free: Int, total: Int) {
        self.free = free
        self.total = total
    }
}

extension DiskFile {
    /// Appends exactly `count` bytes from `offset` to `out`; a file that ends earlier is an error.
    package func read(_ count: Int, at offset: Int, into out: ByteArena) throws(DiskError) {
        let before = out.count
        var failure: DiskError?
        out.appendUnsafe(capacity: count) { room in
            do throws(DiskError) { return try read(into: room, at: offset) } catch {
                failure = error
                return 0
            }
        }
        if failure == nil, out.count - before != count { failure = DiskError(.read, path, DiskError.endOfFile) }
        if let failure {
            out.truncate(to: before)
            throw failure
        }
    }
}

extension Disk {
    /// The whole file.
    package func contents(of path: String, limit: Int = 256 << 20) throws(DiskError) -> ByteArena {
        let file = try open(path, .read)
        defer { file.close() }
        let size = try file.size()
        guard size <= limit else { throw DiskError(.read, path, DiskError.tooLarge) }
        let out = ByteArena(capacity: size)
        try file.read(size, at: 0, into: out)
        return out
    }

    /// Puts `contents` in the place of the file at `path`: after a crash there is the old file or the new one, whole.
    /// Writes `path.tmp`, syncs it, renames it over `path`, syncs the directory.
    package func atomicReplace(_ path: String, with contents: ByteView) throws(DiskError) {
        let temporary = path + ".tmp"
        if try size(of: temporary) != nil { try unlink(temporary) }
        let file = try open(temporary, .create)
        defer { file.close() }
        try file.write([contents], at: 0)
        try file.sync()
        try rename(temporary, to: path)
        try syncDirectory(DiskPath.parent(of: path))
    }
}

package enum DiskPath {
    /// The directory that holds `path`; `.` for a bare name.
    package static func parent(of path: String) -> String {
        var bytes = Array(path.utf8)
        while bytes.count > 1, bytes.last == 0x2F { bytes.removeLast() }
        guard let slash = bytes.lastIndex(of: 0x2F) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    package static func join(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }
}
