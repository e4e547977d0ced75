import Bytes
import Glibc

/// Small files that must never be seen half-written.
enum AtomicFile {
    /// Largest file read back, bytes: a positions file of a million entries.
    static let sizeMax: UInt64 = 256 << 20

    /// The contents; nil when there is none.
    static func read(_ path: ByteString) throws(SystemError) -> [UInt8]? {
        let file: Int32
        do { file = try System.open(path) } catch {
            if error.isMissing { return nil }
            throw error
        }
        defer { System.close(file) }
        let status = try System.status(of: file, path)
        guard status.kind == .regular, status.size <= sizeMax else { throw SystemError("read", path, code: EFBIG) }
        return try System.bytes(file, 0..<status.size, path)
    }

    /// Writes beside, syncs, keeps the former contents as `keeping`, renames, syncs the directory. After a crash the path
    /// leads to the old contents or to the new ones.
    static func replace(_ path: ByteString, with contents: ByteView, keeping previous: ByteString? = nil) throws(SystemError)
    {
        let fresh = ByteString(path.bytes + Array(".new".utf8))
        let file = fresh.withCPath { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        if file < 0 { throw SystemError("create", fresh) }
        var failure: SystemError?
        contents.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                guard let start = raw.baseAddress else { return }
                let count = write(file, start + done, raw.count - done)
                if count >= 0 {
                    done += count
                } else if errno != EINTR {
                    failure = SystemError("write", fresh)
                    return
                }
            }
        }
        if failure == nil, fsync(file) != 0 { failure = SystemError("sync", fresh) }
        System.close(file)
        if let failure {
            _ = fresh.withCPath { unlink($0) }
            throw failure
        }
        if let previous {
            _ = previous.withCPath { unlink($0) }
            // Best effort: without hard links there is no former generation.
            _ = path.withCPath { from in previous.withCPath { link(from, $0) } }
        }
        if fresh.withCPath({ from in path.withCPath { rename(from, $0) } }) != 0 { throw SystemError("rename", path) }
        let directory = path.parent.withCPath { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        if directory >= 0 {
            _ = fsync(directory)
            System.close(directory)
        }
    }
}
