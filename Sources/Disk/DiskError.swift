import Glibc

/// Why the system refused: what was tried, on which file, and its reason.
package struct DiskError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Operation: String, Sendable {
        case open, read, write, sync, truncate, preallocate, rename, remove, list, lock, link
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
    /// The directory must be empty and is not.
    package static let notEmpty: Int32 = -3

    package init(_ operation: Operation, _ path: String, _ code: Int32, holder: Int32? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.holder = holder
    }

    /// No space, quota used up, or no inodes.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT }
    package var isMissing: Bool { code == ENOENT }
    package var exists: Bool { code == EEXIST }
    /// A second name was refused for a reason that a copy does not have: another file system, or one without links.
    package var cannotLink: Bool {
        operation == .link && [EXDEV, EPERM, EMLINK, EOPNOTSUPP, ENOSYS].contains(code)
    }
    package var isLocked: Bool { operation == .lock && code == EWOULDBLOCK }

    package var reason: String {
        switch code {
        case Self.endOfFile: return "the file ends too early"
        case Self.tooLarge: return "the file is too large"
        case Self.notEmpty: return "there is something in it already"
        default:
            var buffer = [CChar](repeating: 0, count: 128)
            guard strerror_r(code, &buffer, buffer.count) == 0 else { return "error \(code)" }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    package var description: String { "cannot \(operation.rawValue) \(path): \(reason)" }
}
