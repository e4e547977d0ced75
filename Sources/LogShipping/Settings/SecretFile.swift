import Bytes
import Disk
import LogModel

/// Why a request cannot be made now; it is tried again, because files come back.
struct RequestFailure: Error, Sendable {
    var words: String
    /// No connection came about.
    var isUnreachable = false
}

extension SecretSource {
    /// Bytes of a file that holds a password, a token or a certificate.
    static let sizeMax = 1 << 20

    /// The text, without white space around it where it comes from a file. Blocks for as long as a small file takes.
    func read() throws(RequestFailure) -> String {
        switch self {
        case .value(let secret): return secret.exposed
        case .file(let path):
            do throws(DiskError) {
                let bytes = try PosixDisk().contents(of: path, limit: Self.sizeMax)
                return withExtendedLifetime(bytes) { bytes.view.trimmed.string }
            } catch {
                throw RequestFailure(words: "\(error)")
            }
        }
    }

    /// What tells whether a file was written again: its time and size. nil for a text.
    var version: String? {
        guard case .file(let path) = self else { return nil }
        let size = try? PosixDisk().size(of: path)
        return "\(ModificationTime.of(path) ?? 0) \(size ?? -1)"
    }
}
