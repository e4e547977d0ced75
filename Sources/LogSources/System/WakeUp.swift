import Glibc

/// Wakes a thread that polls.
final class WakeUp: Sendable {
    let readable: Int32
    private let writable: Int32

    init() throws(SystemError) {
        (readable, writable) = try System.pipe(flags: O_NONBLOCK)
    }

    deinit {
        close(readable)
        close(writable)
    }

    func signal() {
        // A full pipe wakes as well as one more byte.
        var byte: UInt8 = 1
        _ = write(writable, &byte, 1)
    }

    /// Takes the signals that have come.
    func clear() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while read(readable, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
