import Bytes
import CSystemd
import Glibc

/// Device and inode: which file it is, whatever it is called.
package struct FileID: Hashable, Sendable, Comparable {
    package var device: UInt64
    package var inode: UInt64

    package init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    package static func < (a: FileID, b: FileID) -> Bool { (a.device, a.inode) < (b.device, b.inode) }
}

struct FileStatus: Sendable, Equatable {
    enum Kind: Sendable { case regular, directory, link, other }

    var id: FileID
    var kind: Kind
    var size: UInt64
    var links: UInt64
    /// Nanoseconds since 1970.
    var modified: Int64
    var mode: UInt32
    var group: UInt32

    fileprivate init(_ raw: stat) {
        id = FileID(device: UInt64(raw.st_dev), inode: UInt64(raw.st_ino))
        switch raw.st_mode & S_IFMT {
        case S_IFREG: kind = .regular
        case S_IFDIR: kind = .directory
        case S_IFLNK: kind = .link
        default: kind = .other
        }
        size = UInt64(max(0, raw.st_size))
        links = UInt64(raw.st_nlink)
        modified = Int64(raw.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(raw.st_mtim.tv_nsec)
        mode = UInt32(raw.st_mode)
        group = UInt32(raw.st_gid)
    }
}

/// One name in a directory.
struct DirectoryEntry: Sendable {
    var name: ByteString
    var inode: UInt64
    /// nil where the file system does not say; then it costs a `stat`.
    var kind: FileStatus.Kind?
}

/// The door to the kernel: EINTR is retried here, errors are typed, paths are bytes.
enum System {
    static func status(of path: ByteString, followingLinks: Bool = true) throws(SystemError) -> FileStatus {
        var raw = stat()
        let failed = path.withCPath { followingLinks ? stat($0, &raw) : lstat($0, &raw) }
        if failed != 0 { throw SystemError("stat", path) }
        return FileStatus(raw)
    }

    static func status(of file: Int32, _ path: ByteString) throws(SystemError) -> FileStatus {
        var raw = stat()
        if fstat(file, &raw) != 0 { throw SystemError("fstat", path) }
        return FileStatus(raw)
    }

    /// For reading; never waits (a FIFO put in place of the file between `stat` and here), never becomes a terminal.
    static func open(_ path: ByteString) throws(SystemError) -> Int32 {
        try SystemFaults.check("open", path)
        while true {
            let file = path.withCPath { Glibc.open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) }
            if file >= 0 { return file }
            if errno != EINTR { throw SystemError("open", path) }
        }
    }

    /// Bytes that are there: 0 at the end, negative when there are none yet.
    static func readSome(_ file: Int32, _ room: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = Glibc.read(file, room.baseAddress, room.count)
            if count >= 0 || errno != EINTR { return count >= 0 ? count : errno == EAGAIN ? -1 : 0 }
        }
    }

    /// Both ends are closed in programs that are started, whichever thread starts one at this moment.
    static func pipe(flags: Int32 = 0) throws(SystemError) -> (readable: Int32, writable: Int32) {
        var ends: [Int32] = [-1, -1]
        if tailrace_pipe2(&ends, flags | O_CLOEXEC) != 0 { throw SystemError("pipe") }
        return (ends[0], ends[1])
    }

    static func duplicate(_ file: Int32) -> Int32? {
        let copy = fcntl(file, F_DUPFD_CLOEXEC, 3)
        return copy < 0 ? nil : copy
    }

    static func close(_ file: Int32) { _ = Glibc.close(file) }

    /// Reads at `offset` into `before`, then into `after`; the number of bytes read in all.
    static func read(
        _ file: Int32, at offset: UInt64, _ before: UnsafeMutableRawBufferPointer, _ after: UnsafeMutableRawBufferPointer,
        _ path: ByteString
    ) throws(SystemError) -> Int {
        try SystemFaults.check("read block", path)
        let parts = (
            iovec(iov_base: before.baseAddress, iov_len: before.count),
            iovec(iov_base: after.baseAddress, iov_len: after.count)
        )
        while true {
            let count = withUnsafeBytes(of: parts) { raw in
                preadv(file, raw.baseAddress?.assumingMemoryBound(to: iovec.self), 2, off_t(truncatingIfNeeded: offset))
            }
            if count >= 0 { return count }
            if errno != EINTR { throw SystemError("read", path) }
        }
    }

    /// The bytes of `range`, fewer at the end of the file.
    static func bytes(_ file: Int32, _ range: Range<UInt64>, _ path: ByteString) throws(SystemError) -> [UInt8] {
        try SystemFaults.check("read", path)
        let wanted = Int(clamping: range.upperBound - range.lowerBound)
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            count = 0
            while count < wanted {
                let at = off_t(truncatingIfNeeded: range.lowerBound + UInt64(count))
                guard let start = buffer.baseAddress else { return }
                let more = pread(file, start + count, wanted - count, at)
                if more == 0 { return }
                if more > 0 {
                    count += more
                } else if errno != EINTR {
                    failure = SystemError("read", path)
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Where data begins again at or after `offset`, in a file with holes; nil when there is none before its end.
    static func nextData(_ file: Int32, after offset: UInt64) -> UInt64? {
        let hit = lseek(file, off_t(truncatingIfNeeded: offset), 3)  // SEEK_DATA
        return hit < 0 ? nil : UInt64(hit)
    }

    /// Tells the page cache that `range` will not be read again.
    static func forget(_ file: Int32, _ range: Range<UInt64>) {
        _ = posix_fadvise(
            file, off_t(truncatingIfNeeded: range.lowerBound),
            off_t(truncatingIfNeeded: range.upperBound - range.lowerBound), POSIX_FADV_DONTNEED)
    }

    /// Names in a directory without `.` and `..`, and which directory that is. O(entries).
    static func list(_ path: ByteString) throws(SystemError) -> (id: FileID, entries: [DirectoryEntry]) {
        guard let directory = path.withCPath({ opendir($0) }) else { throw SystemError("open directory", path) }
        defer { closedir(directory) }
        let id = try status(of: dirfd(directory), path).id
        var entries: [DirectoryEntry] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0, errno != EINTR { throw SystemError("read directory", path) }
                if errno == 0 { return (id, entries) }
                continue
            }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                ByteString([UInt8](raw.prefix { $0 != 0 }))
            }
            if name == "." || name == ".." { continue }
            let kind: FileStatus.Kind? =
                switch Int32(entry.pointee.d_type) {
                case 8: .regular
                case 4: .directory
                case 10: .link
                case 0: nil
                default: .other
                }
            entries.append(DirectoryEntry(name: name, inode: UInt64(entry.pointee.d_ino), kind: kind))
        }
    }

    /// The path without symbolic links; nil when it leads nowhere.
    static func resolved(_ path: ByteString) -> ByteString? {
        guard let raw = path.withCPath({ realpath($0, nil) }) else { return nil }
        defer { free(raw) }
        return ByteString([UInt8](UnsafeRawBufferPointer(start: raw, count: strlen(raw))))
    }

    static var workingDirectory: ByteString {
        guard let raw = getcwd(nil, 0) else { return "/" }
        defer { free(raw) }
        return ByteString([UInt8](UnsafeRawBufferPointer(start: raw, count: strlen(raw))))
    }

    /// How many descriptors this process may hold.
    static var descriptorLimit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Waits until one of `files` is readable or hung up. True for each that is. Negative timeout: no end.
    static func waitReadable(_ files: [Int32], milliseconds: Int) -> [Bool] {
        var polls = files.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = poll(&polls, nfds_t(polls.count), Int32(clamping: milliseconds))
        return polls.map { count > 0 && $0.revents != 0 }
    }
}

extension ByteString {
    /// The path for C. A NUL inside would cut it short: such a path names nothing.
    func withCPath<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
        let bytes = self.bytes.contains(0) ? [0] : self.bytes + [0]
        return bytes.withUnsafeBytes { raw in
            // Never nil: there is at least the closing NUL.
            body(raw.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: CChar.self))
        }
    }

    static let slash = UInt8(ascii: "/")

    /// `self/name`
    func appending(_ name: ByteString) -> ByteString {
        var out = bytes
        out.reserveCapacity(out.count + 1 + name.count)
        if out.last != Self.slash { out.append(Self.slash) }
        out.append(contentsOf: name.bytes)
        return ByteString(out)
    }

    /// The directory part of an absolute path; `/` for names in the root.
    var parent: ByteString {
        guard let cut = bytes.lastIndex(of: Self.slash), cut > 0 else { return "/" }
        return ByteString([UInt8](bytes[..<cut]))
    }

    var lastComponent: ByteString {
        guard let cut = bytes.lastIndex(of: Self.slash) else { return self }
        return ByteString([UInt8](bytes[(cut + 1)...]))
    }
}
