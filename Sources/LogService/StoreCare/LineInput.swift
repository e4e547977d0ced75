import Bytes
import Glibc

/// Lines of a file or of standard input, one at a time. Memory: the longest line and a megabyte.
final class LineInput {
    private let descriptor: Int32
    private let owned: Bool
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// Why reading ended before the input did.
    private(set) var failure: String?
    private static let pieceSize = 1 << 20
    /// A stored line has 64 MiB at most, and an escape makes six bytes of one.
    private static let lineMax = 512 << 20

    /// `-` or nil: standard input. Nil where the file cannot be opened, see `Output.lastError`.
    init?(path: String?) {
        if let path, path != "-" {
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
            owned = true
            if descriptor < 0 { return nil }
        } else {
            descriptor = 0
            owned = false
        }
    }

    deinit { if owned, descriptor >= 0 { close(descriptor) } }

    /// Hands out the next line, without its end; nil when there is none. An unfinished last line counts.
    func next<R>(_ body: (ByteView) throws -> R) rethrows -> R? {
        var scanned = start
        while true {
            let found = buffer.withView { $0.firstIndex(of: 0x0A, from: scanned) }
            if let found {
                let from = start
                start = found + 1
                return try buffer.withView { try body($0[from..<found]) }
            }
            if isAtEnd {
                guard start < buffer.count else { return nil }
                let from = start
                start = buffer.count
                return try buffer.withView { try body($0[from..<$0.count]) }
            }
            buffer.removeFirst(start)
            start = 0
            scanned = buffer.count
            fill()
        }
    }

    private func fill() {
        guard buffer.count < Self.lineMax else {
            failure = "a line is longer than \(Self.lineMax >> 20) MiB"
            buffer = []
            isAtEnd = true
            return
        }
        var piece = [UInt8](repeating: 0, count: Self.pieceSize)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 {
                if errno == EINTR { continue }
                failure = "cannot read: \(String(cString: strerror(errno)))"
            }
            if count <= 0 {
                isAtEnd = true
            } else {
                buffer.append(contentsOf: piece[..<count])
            }
            return
        }
    }
}
