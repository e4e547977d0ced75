import Glibc

/// Why the system refused: what was tried, on which file, and its reason.
package struct DiskError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Operation: String, Sendable {
        case open, read, write, sync, truncate, preallocate, rename, remove, list, lock
        case makeDirectory = "make the directory"
        case syncDirectory = "sync the directory"
        case inspect = "look at"
    }

    package var operation: Operation
    package var path: String
    /// `errno`, or one of the codes below.
    package var code: Int32
    /// Process that holds the lock, where a lock was refused and it is known.
    package var holder: Int32?

    /// The file is shorter than what it must hold.
    package static let endOfFile: Int32 = -1
    /// The file is larger than what may be read at once.
    package static let tooLarge: Int32 = -2

    package init(_ operation: Operation, _ path: String, _ code: Int32, holder: Int32? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.holder = holder
    }

    /// No space, quota used up, or no inodes.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT }
    package var isMissing: Bool { code == ENOENT }
    package var isLocked: Bool { operation == .lock && code == EWOULDBLOCK }

    package var reason: String {
        switch code {
        case Self.endOfFile: return "the file ends too early"
        case Self.tooLarge: return "the file is too large"
        default:
            var buffer = [CChar](repeating: 0, count: 128)
            guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    package var description: String { "cannot \(operation.rawValue) \(path): \(reason)" }
}
