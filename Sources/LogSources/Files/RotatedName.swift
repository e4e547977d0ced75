import Bytes

/// Names that rotation gives: `app.log.1`, `app.log-20261121`, `app.log.2026-11-21T00:00:00Z`.
enum RotatedName {
    /// Whether `path` is `former`, then a separator, then nothing but digits, separators and the letters of a time. A
    /// compressed file is none: its bytes are no lines.
    static func isOne(_ path: ByteString, of former: ByteString) -> Bool {
        guard path.count > former.count + 1, path.bytes.starts(with: former.bytes) else { return false }
        let tail = path.bytes.dropFirst(former.count)
        guard let first = tail.first, ".-_".utf8.contains(first), tail.contains(where: \.isDigit) else { return false }
        return tail.allSatisfy { $0.isDigit || ".-_:+TZ".utf8.contains($0) }
    }
}
