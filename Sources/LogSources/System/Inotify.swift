import Bytes
import Glibc

/// One inotify instance on directories (a host allows 128 of them in all, so there is one for everything).
struct Inotify: ~Copyable {
    struct Event {
        var watch: Int32
        var mask: UInt32
        var cookie: UInt32
        var name: ByteString

        func has(_ bits: Int32) -> Bool { mask & UInt32(bitPattern: bits) != 0 }

        var isOverflow: Bool { has(0x4000) }
        /// The watch is gone: directory removed, or file system unmounted.
        var isIgnored: Bool { has(0x8000) }
        var isDirectory: Bool { has(0x4000_0000) }
        var isModification: Bool { has(0x2) }
        var isMovedFrom: Bool { has(0x40) }
        var isMovedTo: Bool { has(0x80) }
        var isSelf: Bool { has(0x400 | 0x800) }
    }

    let file: Int32
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init() throws(SystemError) {
        file = inotify_init1(0o4000 | 0o2000000)  // IN_NONBLOCK | IN_CLOEXEC
        if file < 0 { throw SystemError("inotify_init") }
    }

    deinit { close(file) }

    /// MODIFY, ATTRIB, MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF, ONLYDIR. The same directory under another name
    /// gives the same number.
    private static let mask: UInt32 =
        0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x0100_0000

    /// A file that is no directory was written to, and nothing else.
    private static let write: UInt32 = 0x2

    func add(_ directory: ByteString) throws(SystemError) -> Int32 {
        let watch = directory.withCPath { inotify_add_watch(file, $0, Self.mask) }
        if watch < 0 { throw SystemError("watch", directory) }
        return watch
    }

    func remove(_ watch: Int32) { _ = inotify_rm_watch(file, watch) }

    /// The events that are waiting, in order; empty when there are none.
    mutating func read(into events: inout [Event]) { read(into: &events) { _ in true } }

    /// As above, but writes to files that are called otherwise than `names` are left out before they cost anything: there may be a
    /// hundred times as many of them, from neighbours in the same directory.
    mutating func read(into events: inout [Event], writesTo names: borrowing NameCensus) {
        read(into: &events) { names.mayHold($0) }
    }

    @inline(__always)
    private mutating func read(into events: inout [Event], wantsWritesTo: (Slice<UnsafeRawBufferPointer>) -> Bool) {
        events.removeAll(keepingCapacity: true)
        // One buffer a call keeps the turn short: what is left is read in the next.
        let count = buffer.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        buffer.withUnsafeBytes { raw in
            var at = 0
            while at + 16 <= count {
                let length = Int(raw.loadUnaligned(fromByteOffset: at + 12, as: UInt32.self))
                guard at + 16 + length <= count else { return }
                let mask = raw.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
                let name = raw[(at + 16)..<(at + 16 + length)].prefix { $0 != 0 }
                if mask != Self.write || wantsWritesTo(name) {
                    events.append(
                        Event(
                            watch: raw.loadUnaligned(fromByteOffset: at, as: Int32.self), mask: mask,
                            cookie: raw.loadUnaligned(fromByteOffset: at + 8, as: UInt32.self), name: ByteString([UInt8](name))))
                }
                at += 16 + length
            }
        }
    }
}
