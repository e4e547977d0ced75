import Bytes
import Glibc

/// The machine's file system, by plain system calls. EINTR is retried, short transfers are continued.
package struct PosixDisk: Disk {
    package init() {}

    package func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .create: O_RDWR | O_CREAT | O_EXCL
            case .update: O_RDWR
            }
        // 0640: logs are nobody else's business; the group may back them up.
        let descriptor = try Syscall.retrying(.open, path) { Glibc.open(path, flags | O_CLOEXEC, 0o640) }
        return PosixFile(path: path, descriptor: descriptor)
    }

    package func rename(_ source: String, to target: String) throws(DiskError) {
        _ = try Syscall.retrying(.rename, source) { Glibc.rename(source, target) }
    }

    package func unlink(_ path: String) throws(DiskError) {
        _ = try Syscall.retrying(.remove, path) { Glibc.unlink(path) }
    }

    package func link(_ path: String, to name: String) throws(DiskError) {
        _ = try Syscall.retrying(.link, path) { Glibc.link(path, name) }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        guard let stream = opendir(directory) else { throw DiskError(.list, directory, errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw DiskError(.list, directory, errno) }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        if mkdir(path, 0o750) == 0 {
            try syncDirectory(DiskPath.parent(of: path))
            return
        }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0 else { throw DiskError(.makeDirectory, path, errno) }
            guard status.st_mode & S_IFMT == S_IFDIR else { throw DiskError(.makeDirectory, path, ENOTDIR) }
        case ENOENT:
            let parent = DiskPath.parent(of: path)
            // A parent as long as its child means that there is nothing left to shorten.
            guard parent.utf8.count < path.utf8.count else { throw DiskError(.makeDirectory, path, ENOENT) }
            try makeDirectory(parent)
            // Asked once more and no oftener: /proc says that there is no such directory whatever one makes.
            guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw DiskError(.makeDirectory, path, errno) }
            try syncDirectory(parent)
        case let code: throw DiskError(.makeDirectory, path, code)
        }
    }

    package func syncDirectory(_ directory: String) throws(DiskError) {
        let descriptor = try Syscall.retrying(.syncDirectory, directory) {
            Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        defer { _ = Glibc.close(descriptor) }
        _ = try Syscall.retrying(.syncDirectory, directory) { fsync(descriptor) }
    }

    package func size(of path: String) throws(DiskError) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw DiskError(.inspect, path, errno)
        }
        return Int(status.st_size)
    }

    package func space(at path: String) throws(DiskError) -> DiskSpace {
        var status = statvfs()
        _ = try Syscall.retrying(.inspect, path) { statvfs(path, &status) }
        let (free, _) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        let (total, _) = UInt64(status.f_blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return DiskSpace(free: Int(clamping: free), total: Int(clamping: total))
    }

    package func lock(_ path: String) throws(DiskError) -> any DiskLock {
        let descriptor = try Syscall.retrying(.lock, path) {
            Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        }
        // `flock` belongs to the open file, not to the process: a second opener inside this process is refused too, and
        // the kernel lets go when the process dies in whatever way.
        do {
            _ = try Syscall.retrying(.lock, path) { flock(descriptor, LOCK_EX | LOCK_NB) }
        } catch {
            var text = [UInt8](repeating: 0, count: 32)
            let length = pread(descriptor, &text, text.count, 0)
            _ = Glibc.close(descriptor)
            let digits = text.prefix(max(0, length)).prefix { $0.isDigit }
            throw DiskError(error.operation, path, error.code, holder: Int32(String(decoding: digits, as: UTF8.self)))
        }
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        return PosixLock(descriptor: descriptor)
    }
}

enum Syscall {
    /// Calls until it is not interrupted; −1 becomes an error.
    static func retrying(
        _ operation: DiskError.Operation,
        _ path: String,
        _ call: () -> Int32
    ) throws(DiskError) -> Int32 {
        while true {
            let result = call()
            if result != -1 { return result }
            if errno != EINTR { throw DiskError(operation, path, errno) }
        }
    }
}

final class PosixFile: DiskFile, @unchecked Sendable {
    // Sendable: the descriptor changes only in `close`, after which nobody may use the file.
    let path: String
    private var descriptor: Int32

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close() }

    func close() {
        // No retry on EINTR: Linux has freed the number by then, and another thread may own it.
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    func size() throws(DiskError) -> Int {
        var status = stat()
        _ = try Syscall.retrying(.inspect, path) { fstat(descriptor, &status) }
        return Int(status.st_size)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, rest.baseAddress, rest.count, offset + done)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError(.read, path, errno)
            }
            done += count
        }
        return done
    }

    func write(_ parts: [ByteView], at offset: Int) throws(DiskError) {
        // The addresses leave their closure, which is fine for views: their owners outlive this call, and no array is
        // pinned only inside.
        var pieces = parts.filter { !$0.isEmpty }.map { view in
            view.withUnsafeBytes {
                iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
            }
        }
        var first = 0
        var position = offset
        while first < pieces.count {
            let count = pieces.withUnsafeBufferPointer { buffer in
                // 1,024 is the kernel's IOV_MAX.
                let some = UnsafeBufferPointer(rebasing: buffer[first..<min(buffer.count, first + 1024)])
                return pwritev(descriptor, some.baseAddress, Int32(some.count), position)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw DiskError(.write, path, errno)
            }
            // The kernel never writes nothing without saying why; should it, better an error than an endless loop.
            if count == 0 { throw DiskError(.write, path, EIO) }
            position += count
            var left = count
            while left > 0, first < pieces.count {
                let step = min(left, pieces[first].iov_len)
                pieces[first].iov_base = pieces[first].iov_base.map { $0 + step }
                pieces[first].iov_len -= step
                left -= step
                if pieces[first].iov_len == 0 { first += 1 }
            }
        }
    }

    func sync() throws(DiskError) {
        // fdatasync writes the size too where it changed; times it may leave.
        _ = try Syscall.retrying(.sync, path) { fdatasync(descriptor) }
    }

    func truncate(to size: Int) throws(DiskError) {
        _ = try Syscall.retrying(.truncate, path) { ftruncate(descriptor, size) }
    }

    func preallocate(_ size: Int) throws(DiskError) {
        while true {
            // Returns its error instead of setting `errno`.
            let code = posix_fallocate(descriptor, 0, size)
            if code == 0 || code == EOPNOTSUPP || code == EINVAL { return }
            if code != EINTR { throw DiskError(.preallocate, path, code) }
        }
    }

    func forget(_ range: Range<Int>) {
        _ = posix_fadvise(descriptor, range.lowerBound, range.count, POSIX_FADV_DONTNEED)
    }
}

final class PosixLock: DiskLock, @unchecked Sendable {
    // Sendable: set to −1 once, by whoever releases.
    private var descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { release() }

    func release() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}
