import Bytes
import Glibc

/// Bytes on their way to standard output or a file, through one buffer.
final class Output {
    let buffer = ByteArena(capacity: 1 << 16)
    private let descriptor: Int32
    private let owned: Bool
    /// Nobody reads any more, or the disk is full: what comes is thrown away.
    private(set) var failed = false
    /// Why it could not be written; nil where a reader simply left.
    private(set) var failure: String?
    private static let flushSize = 1 << 15

    /// Standard output.
    init() {
        descriptor = 1
        owned = false
    }

    /// A new file, or an emptied one; nil, with `errno` set, where it cannot be made. Logs are nobody else's business.
    init?(path: String) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        owned = true
        if descriptor < 0 { return nil }
    }

    deinit { if owned, descriptor >= 0 { close(descriptor) } }

    /// Call it now and then: writes once there is enough.
    func pass() { if buffer.count > Self.flushSize { flush() } }

    func flush() {
        let (descriptor, name) = (descriptor, owned ? "the file" : "standard output")
        defer { buffer.reset() }
        guard !failed else { return }
        buffer.view.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count, let base = bytes.baseAddress {
                let count = write(descriptor, base + at, bytes.count - at)
                if count < 0 {
                    if errno == EINTR { continue }
                    failed = true
                    if errno != EPIPE { failure = "cannot write to \(name): \(String(cString: strerror(errno)))" }
                    return
                }
                at += count
            }
        }
    }

    /// Makes a file durable; true for standard output.
    func sync() -> Bool {
        flush()
        guard owned, !failed else { return !failed }
        if fsync(descriptor) == 0 { return true }
        failure = "cannot write to the file: \(String(cString: strerror(errno)))"
        failed = true
        return false
    }
}

enum StandardErrorText {
    static func write(_ text: String) {
        let line = text.hasSuffix("\n") ? text : text + "\n"
        line.withCString { start in _ = Glibc.write(2, start, strlen(start)) }
    }
}

extension Output {
    /// What the last call of the system complained about.
    static var lastError: String { String(cString: strerror(errno)) }
}
