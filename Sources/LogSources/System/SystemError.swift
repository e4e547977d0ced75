import Bytes
import Glibc

/// A system call that failed: which, on what, why.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    package var code: Int32
    package var call: String
    package var path: ByteString

    init(_ call: String, _ path: ByteString = ByteString(), code: Int32 = errno) {
        self.code = code
        self.call = call
        self.path = path
    }

    var isMissing: Bool { code == ENOENT || code == ENOTDIR }
    var isForbidden: Bool { code == EACCES || code == EPERM }
    /// The descriptor leads nowhere any more: a file server has forgotten the file.
    var isStale: Bool { code == ESTALE }
    var isExhausted: Bool { code == EMFILE || code == ENFILE }

    /// "No such file or directory", in the C locale's words.
    package var words: String { String(cString: strerror(code)) }

    package var description: String { path.isEmpty ? "\(call): \(words)" : "\(call) \(path): \(words)" }
}
