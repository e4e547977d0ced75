import Bytes
import Disk
import Glibc
import LogModel

@testable import LogSources

/// A directory that is gone when the test is.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/tailrace-sources-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, let made = mkdtemp(start) else { return "/nonexistent" }
            return String(cString: made)
        }
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let listing = try? System.list(ByteString(path)) else { return }
        for entry in listing.entries {
            let child = ByteString(path).appending(entry.name)
            if entry.kind == .directory {
                chmod(child.string, 0o700)
                remove(child.string)
            } else {
                _ = child.withCPath { unlink($0) }
            }
        }
        rmdir(path)
    }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    func make(_ name: String) { mkdir(self(name), 0o755) }

    /// Replaces the contents in place (same inode).
    func write(_ name: String, _ text: String) { put(name, Array(text.utf8), O_TRUNC) }
    func append(_ name: String, _ text: String) { put(name, Array(text.utf8), O_APPEND) }
    func append(_ name: String, bytes: [UInt8]) { put(name, bytes, O_APPEND) }

    private func put(_ name: String, _ bytes: [UInt8], _ flags: Int32) {
        let file = open(self(name), O_WRONLY | O_CREAT | flags, 0o644)
        defer { close(file) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress.map { $0 + done }, bytes.count - done) }
            if count <= 0 { return }
            done += count
        }
    }

    /// Writes at an offset, as a program does that does not append.
    func write(_ name: String, at offset: Int, _ text: String) {
        let file = open(self(name), O_WRONLY | O_CREAT, 0o644)
        defer { close(file) }
        let bytes = Array(text.utf8)
        _ = pwrite(file, bytes, bytes.count, off_t(offset))
    }

    /// Files of this directory that this process has open, also those that are unlinked.
    var openFiles: Set<String> {
        var found: Set<String> = []
        guard let listing = try? System.list("/proc/self/fd") else { return [] }
        for entry in listing.entries {
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/" + entry.name.string, &target, target.count)
            guard count > 0 else { continue }
            let name = String(decoding: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if name.hasPrefix(path + "/") { found.insert(String(name.dropFirst(path.count + 1))) }
        }
        return found
    }

    func truncate(_ name: String, _ size: Int = 0) { _ = Glibc.truncate(self(name), off_t(size)) }
    /// Sets a file's time back.
    func age(_ name: String, seconds: Int) {
        let past = timeval(tv_sec: time(nil) - seconds, tv_usec: 0)
        _ = utimes(self(name), [past, past])
    }

    func rename(_ from: String, _ to: String) { _ = Glibc.rename(self(from), self(to)) }
    func remove(_ name: String) { unlink(self(name)) }
    func link(_ target: String, _ name: String) { symlink(target, self(name)) }
    func hardLink(_ target: String, _ name: String) { _ = Glibc.link(self(target), self(name)) }
}

/// A source running on a thread of its own.
final class Running {
    let source: FileSource
    let sink: RecordingSink
    private let worker: Worker?
    let outcome = Monitor<Outcome>(Outcome())

    struct Outcome {
        var isOver = false
        var error: String?
    }

    init(
        _ targets: [FileTarget], _ sink: RecordingSink, once: Bool = false,
        _ change: (inout FileSourceSettings) -> Void = { _ in }, before: (FileSource) throws -> Void = { _ in }
    ) throws {
        var settings = FileSourceSettings()
        settings.rotateWait = .milliseconds(300)
        settings.renamedWait = .seconds(2)
        settings.pollInterval = .milliseconds(20)
        settings.pacing = .milliseconds(1)
        settings.resyncInterval = .seconds(2)
        change(&settings)
        self.sink = sink
        source = try FileSource(targets: targets, settings: settings, sink: sink, once: once, events: sink.events)
        try before(source)
        worker = Worker("test-source") { [source, outcome] in
            var problem: String?
            do { try source.run() } catch { problem = "\(error)" }
            outcome.change { state in
                state.isOver = true
                state.error = problem
            }
        }
    }

    /// Waits for the end of a source that ends by itself.
    func finish() -> String? {
        _ = outcome.wait(timeout: RecordingSink.patience) { $0.isOver ? true : nil }
        worker?.join()
        return outcome.withLock { $0.error }
    }

    func stop() {
        source.stop()
        worker?.join()
    }

    /// Waits until it has looked at everything once: what comes now is new.
    func ready() -> Bool { comesTrue { source.isReady } }

    /// Waits for something that nobody tells of, while the source is at work.
    func comesTrue(_ condition: () -> Bool) -> Bool {
        for _ in 0..<3_000 {
            if condition() { return true }
            _ = outcome.wait(timeout: 10_000_000) { $0.isOver ? true : nil }
        }
        return false
    }
}

func target(_ path: String, exclude: String? = nil, job: Int = 0, labels: KeyValuePairs<String, String> = ["job": "test"]) throws -> FileTarget {
    try FileTarget(
        FileTargetSettings(
            job: job, jobName: "job\(job)", path: path, exclude: exclude, labels: Labels(labels)), hostname: "host")
}
