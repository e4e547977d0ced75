import Bytes
import Glibc
import LogModel
import LokiWire
import Synchronization

/// Lines that a destination refused for good, as JSON lines: for a person to look at, mend and send again.
///
/// - Bounded: at `sizeMax` the file becomes `<path>.1`, in the place of the one before. A line that would take more than its part is
///   cut, with its length beside it in `"bytes"`.
/// - Mode 0600; what is in it has passed redaction, as everything that is shipped.
/// - Never in the way: a disk that is full costs the letters, which is said, not the collector.
final class DeadLetterFile: Sendable {
    private struct State {
        var descriptor: Int32 = -1
        var size = 0
    }

    private let settings: DeadLetterSettings
    private let state = Mutex(State())

    init(_ settings: DeadLetterSettings) { self.settings = settings }

    deinit {
        state.withLock { state in
            if state.descriptor >= 0 { close(state.descriptor) }
        }
    }

    var path: String { settings.path }

    /// Bytes to be gathered before an `append`, about.
    var pieceSize: Int { min(1 << 20, settings.sizeMax / 8) }

    /// Appends one line of JSON.
    func write(
        labels: Labels, time: Int64, line: ByteView, metadata: [Label], tenant: String, status: Int, reason: String,
        into out: ByteArena
    ) {
        out.append("{\"time\":\"")
        RFC3339.append(time, into: out)
        out.append("\",\"labels\":")
        Self.object(labels.pairs, out)
        if !metadata.isEmpty {
            out.append(",\"metadata\":")
            Self.object(metadata, out)
        }
        out.append(",\"line\":\"")
        // A byte takes six when it is escaped.
        let kept = line.prefix(max(256, settings.sizeMax / 16))
        JSONText.escape(kept, into: out)
        out.append("\"")
        if kept.count < line.count {
            out.append(",\"bytes\":")
            out.append(decimal: Int64(line.count))
        }
        if !tenant.isEmpty {
            out.append(",\"tenant\":\"")
            tenant.withView { JSONText.escape($0, into: out) }
            out.append("\"")
        }
        out.append(",\"status\":")
        out.append(decimal: Int64(status))
        out.append(",\"reason\":\"")
        reason.withView { JSONText.escape($0, into: out) }
        out.append("\"}\n")
    }

    private static func object(_ pairs: [Label], _ out: ByteArena) {
        out.append("{")
        for (i, pair) in pairs.enumerated() {
            out.append(i == 0 ? "\"" : ",\"")
            pair.name.withView { JSONText.escape($0, into: out) }
            out.append("\":\"")
            pair.value.withView { JSONText.escape($0, into: out) }
            out.append("\"")
        }
        out.append("}")
    }

    /// Whole lines, and then a sync: positions move behind these lines next. Returns why it failed. Blocks.
    func append(_ lines: ByteView) -> String? {
        state.withLock { state in
            if state.descriptor >= 0, state.size > 0, state.size + lines.count > settings.sizeMax {
                guard rename(settings.path, settings.path + ".1") == 0 else { return words(errno) }
                close(state.descriptor)
                state = State()
            }
            if state.descriptor < 0 {
                // Not through a link: the directory may be one that others write to.
                state.descriptor = open(
                    settings.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
                guard state.descriptor >= 0 else { return words(errno) }
                _ = fchmod(state.descriptor, 0o600)
                var info = stat()
                if fstat(state.descriptor, &info) == 0 { state.size = Int(info.st_size) }
            }
            let descriptor = state.descriptor
            let before = state.size
            var done = 0
            let failure: Int32? = lines.withUnsafeBytes { bytes in
                while done < bytes.count {
                    let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                    if count < 0 {
                        if errno == EINTR { continue }
                        return errno
                    }
                    done += count
                }
                return fdatasync(descriptor) == 0 ? nil : errno
            }
            guard let failure else {
                state.size += done
                return nil
            }
            // No half line.
            _ = ftruncate(descriptor, off_t(before))
            close(descriptor)
            state = State()
            return words(failure)
        }
    }

    private func words(_ code: Int32) -> String {
        "refused lines are not kept: cannot write \(settings.path): \(String(cString: strerror(code)))"
    }
}
