import Bytes
import Glibc
import LogModel

/// The service's own log: logfmt lines on standard error, for a person and for a collector alike.
package struct ServiceLog: Sendable {
    package init() {}

    package func info(_ message: String) { write("info", message) }
    package func warning(_ message: String) { write("warn", message) }
    package func error(_ message: String) { write("error", message) }

    private func write(_ level: String, _ message: String) {
        let line = ByteArena(capacity: 256)
        line.append("ts=")
        line.append(RFC3339Text.text(Timestamp.now().nanoseconds))
        line.append(" level=\(level) msg=")
        line.append(GoQuote.quote(message))
        line.append("\n")
        // One write a line: lines of several threads do not mix.
        _ = line.view.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
