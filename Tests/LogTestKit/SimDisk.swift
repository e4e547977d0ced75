import Bytes
import Disk
import Glibc
import Synchronization

/// A file system in memory that can lose power.
///
/// Of every file it keeps what is live and what is synced, with the writes in between in order; of every directory the
/// same for names. `crashed` gives the disk as a machine would find it after the power came back: what was synced,
/// and of the rest nothing, everything, a random part, or a random part with torn writes. A new file whose directory
/// was not synced can be missing; a removed one can be back.
///
/// Operations that change something are counted, so that a test can stop at each one or make the N-th fail.
package final class SimDisk: Disk {
    /// What of the unsynced changes survives.
    package enum Survival: Sendable {
        case nothing
        case everything
        /// Each change by itself, by a seed; writes may survive in part.
        case random(UInt64)
        /// The oldest changes up to a random one, the last of them torn.
        case prefix(UInt64)
    }

    package enum Operation: Sendable, Equatable {
        case create, write, sync, truncate, rename, remove, syncDirectory
    }

    /// Called before an operation happens, with its number (from 1) and kind; what it throws the operation throws.
    package typealias Hook = @Sendable (_ number: Int, _ operation: Operation, _ path: String) throws(DiskError) -> Void

    fileprivate enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(Int)
    }

    fileprivate final class Node {
        var live: [UInt8] = []
        var synced: [UInt8] = []
        var pending: [Change] = []

        init() {}

        init(contents: [UInt8]) {
            live = contents
            synced = contents
        }

        func apply(_ change: Change) {
            SimDisk.apply(change, to: &live)
            pending.append(change)
        }

        func sync() {
            for change in pending { SimDisk.apply(change, to: &synced) }
            pending = []
        }
    }

    fileprivate enum NameChange {
        case set(String, Node)
        case remove(String)
        case rename(from: String, to: String, Node)
    }

    fileprivate struct State {
        /// Directories that exist; making one is durable at once, as the store makes them once only.
        var directories: Set<String> = ["/", "."]
        var live: [String: Node] = [:]
        var synced: [String: Node] = [:]
        var pending: [NameChange] = []
        var locked: Set<String> = []
        var count = 0
        var hook: Hook?
        var capacity = 1 << 40
        var isDead = false
    }

    fileprivate let state = Mutex(State())

    package init() {}

    // MARK: Faults

    /// Operations so far that changed something.
    package var operations: Int { state.withLock { $0.count } }

    package func onOperation(_ hook: Hook?) { state.withLock { $0.hook = hook } }

    /// From now on every operation fails, as if the machine were gone.
    package func powerOff() { state.withLock { $0.isDead = true } }

    /// Bytes that files may take in all; writes beyond it fail with ENOSPC.
    package func setCapacity(_ bytes: Int) { state.withLock { $0.capacity = bytes } }

    package var used: Int { state.withLock { state in state.live.values.reduce(0) { $0 + $1.live.count } } }

    /// Fails the `number`-th operation from now on of some kinds with `code`, once or for good.
    package func fail(
        _ kinds: [Operation],
        after number: Int,
        code: Int32,
        forGood: Bool = false,
        path: String = ""
    ) {
        let seen = Atomic<Int>(0)
        let counter = Counter(seen)
        onOperation { _, operation, where_ throws(DiskError) in
            guard kinds.contains(operation), path.isEmpty || where_.contains(path) else { return }
            let now = counter.next()
            if now == number || (forGood && now > number) { throw DiskError(operation.disk, where_, code) }
        }
    }

    private final class Counter: Sendable {
        private let value: Atomic<Int>
        init(_ start: consuming Atomic<Int>) { value = start }
        func next() -> Int { value.add(1, ordering: .relaxed).newValue }
    }

    /// The disk after a power cut now. This one stays as it is.
    package func crashed(_ survival: Survival) -> SimDisk {
        let result = SimDisk()
        state.withLock { state in
            var random: SeededRandom
            switch survival {
            case .random(let seed), .prefix(let seed): random = SeededRandom(seed)
            default: random = SeededRandom(0)
            }
            var names = state.synced
            switch survival {
            case .nothing: break
            case .everything: for change in state.pending { Self.apply(change, to: &names) }
            case .random:
                for change in state.pending where random.chance(0.5) { Self.apply(change, to: &names) }
            case .prefix:
                let count = random.below(state.pending.count + 1)
                for change in state.pending[..<count] { Self.apply(change, to: &names) }
            }
            // Files are distinct unless a half-done rename left two names; those share their contents.
            var contents: [String: [UInt8]] = [:]
            for (path, node) in names.sorted(by: { $0.key < $1.key }) {
                contents[path] = Self.survivor(node, survival, &random)
            }
            let directories = state.directories
            let capacity = state.capacity
            let survivors = contents
            result.state.withLock { fresh in
                fresh.directories = directories
                fresh.capacity = capacity
                for (path, bytes) in survivors {
                    let node = Node(contents: bytes)
                    fresh.live[path] = node
                    fresh.synced[path] = node
                }
            }
        }
        return result
    }

    private static func survivor(_ node: Node, _ survival: Survival, _ random: inout SeededRandom) -> [UInt8] {
        var bytes = node.synced
        switch survival {
        case .nothing: break
        case .everything: bytes = node.live
        case .random:
            for change in node.pending where random.chance(0.5) {
                apply(random.chance(0.5) ? change : torn(change, &random), to: &bytes)
            }
        case .prefix:
            let count = random.below(node.pending.count + 1)
            for change in node.pending[..<count] { apply(change, to: &bytes) }
            if count < node.pending.count { apply(torn(node.pending[count], &random), to: &bytes) }
        }
        return bytes
    }

    /// A part of a write: its head, or some of its 512-byte sectors.
    private static func torn(_ change: Change, _ random: inout SeededRandom) -> Change {
        guard case .write(let offset, let bytes) = change, !bytes.isEmpty else { return change }
        if random.chance(0.5) {
            return .write(offset: offset, bytes: Array(bytes[..<random.below(bytes.count)]))
        }
        // Sectors that did not make it read as zeros where the file grew.
        var part = bytes
        var at = 0
        while at < part.count {
            let end = min(part.count, at + 512)
            if random.chance(0.3) { for i in at..<end { part[i] = 0 } }
            at = end
        }
        return .write(offset: offset, bytes: part)
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, let data):
            if bytes.count < offset { bytes.append(contentsOf: repeatElement(0, count: offset - bytes.count)) }
            if bytes.count == offset {
                bytes.append(contentsOf: data)
            } else {
                let end = offset + data.count
                if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
                bytes.replaceSubrange(offset..<end, with: data)
            }
        case .truncate(let size):
            if size < bytes.count {
                bytes.removeLast(bytes.count - size)
            } else {
                bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
            }
        }
    }

    private static func apply(_ change: NameChange, to names: inout [String: Node]) {
        switch change {
        case .set(let name, let node): names[name] = node
        case .remove(let name): names[name] = nil
        case .rename(let from, let to, let node):
            names[from] = nil
            names[to] = node
        }
    }

    // MARK: Hands of a test on the files

    package func bytes(of path: String) -> [UInt8]? { state.withLock { $0.live[path]?.live } }

    /// Puts a file there, synced, whatever was there before.
    package func setBytes(_ bytes: [UInt8], of path: String) {
        state.withLock { state in
            let node = Node(contents: bytes)
            state.live[path] = node
            state.synced[path] = node
        }
    }

    package func removeFile(_ path: String) {
        state.withLock { state in
            state.live[path] = nil
            state.synced[path] = nil
        }
    }

    package var paths: [String] { state.withLock { $0.live.keys.sorted() } }

    /// The same files, all synced; faults and counts begin anew.
    package func copy() -> SimDisk { crashed(.everything) }

    // MARK: Disk

    fileprivate func count(_ operation: Operation, _ path: String) throws(DiskError) {
        let (number, hook, dead) = state.withLock { state in
            state.count += 1
            return (state.count, state.hook, state.isDead)
        }
        if dead { throw DiskError(operation.disk, path, EIO) }
        try hook?(number, operation, path)
    }

    private func isDead(_ operation: DiskError.Operation, _ path: String) throws(DiskError) {
        if state.withLock({ $0.isDead }) { throw DiskError(operation, path, EIO) }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        try isDead(.open, path)
        if mode == .create { try count(.create, path) }
        let outcome: Result<Handle, DiskError> = state.withLock { state in
            if mode == .create {
                if state.live[path] != nil { return .failure(DiskError(.open, path, EEXIST)) }
                guard state.directories.contains(DiskPath.parent(of: path)) else {
                    return .failure(DiskError(.open, path, ENOENT))
                }
                let node = Node()
                state.live[path] = node
                state.pending.append(.set(path, node))
                return .success(Handle(disk: self, path: path, node: Handle.Box(node), writable: true))
            }
            guard let node = state.live[path] else { return .failure(DiskError(.open, path, ENOENT)) }
            return .success(Handle(disk: self, path: path, node: Handle.Box(node), writable: mode != .read))
        }
        return try outcome.get()
    }

    package func rename(_ source: String, to target: String) throws(DiskError) {
        try count(.rename, source)
        let found = state.withLock { state in
            guard let node = state.live.removeValue(forKey: source) else { return false }
            state.live[target] = node
            state.pending.append(.rename(from: source, to: target, node))
            return true
        }
        if !found { throw DiskError(.rename, source, ENOENT) }
    }

    package func unlink(_ path: String) throws(DiskError) {
        try count(.remove, path)
        let found = state.withLock { state in
            guard state.live.removeValue(forKey: path) != nil else { return false }
            state.pending.append(.remove(path))
            return true
        }
        if !found { throw DiskError(.remove, path, ENOENT) }
    }

    /// Counts as a creation. Names of one file share its bytes, as those of an inode do.
    package func link(_ path: String, to name: String) throws(DiskError) {
        try count(.create, name)
        let failure: Int32? = state.withLock { state in
            guard let node = state.live[path] else { return ENOENT }
            guard state.live[name] == nil else { return EEXIST }
            guard state.directories.contains(DiskPath.parent(of: name)) else { return ENOENT }
            state.live[name] = node
            state.pending.append(.set(name, node))
            return nil
        }
        if let failure { throw DiskError(.link, path, failure) }
    }

    package func list(_ directory: String) throws(DiskError) -> [String] {
        try isDead(.list, directory)
        return state.withLock { state in
            state.live.keys.filter { DiskPath.parent(of: $0) == directory }.map { path in
                String(
                    decoding: Array(path.utf8.dropFirst(directory == "/" ? 1 : directory.utf8.count + 1)),
                    as: UTF8.self
                )
            }.sorted()
        }
    }

    package func makeDirectory(_ path: String) throws(DiskError) {
        try isDead(.makeDirectory, path)
        state.withLock { state in
            var at = path
            while state.directories.insert(at).inserted { at = DiskPath.parent(of: at) }
        }
    }

    package func syncDirectory(_ directory: String) throws(DiskError) {
        try count(.syncDirectory, directory)
        state.withLock { state in
            var rest: [NameChange] = []
            for change in state.pending {
                let name: String
                switch change {
                case .set(let path, _): name = path
                case .remove(let path): name = path
                case .rename(_, let path, _): name = path
                }
                if DiskPath.parent(of: name) == directory {
                    Self.apply(change, to: &state.synced)
                } else {
                    rest.append(change)
                }
            }
            state.pending = rest
        }
    }

    package func size(of path: String) throws(DiskError) -> Int? {
        try isDead(.inspect, path)
        return state.withLock { $0.live[path]?.live.count }
    }

    package func space(at path: String) throws(DiskError) -> DiskSpace {
        try isDead(.inspect, path)
        let used = self.used
        return state.withLock { DiskSpace(free: max(0, $0.capacity - used), total: $0.capacity) }
    }

    package func lock(_ path: String) throws(DiskError) -> any DiskLock {
        try isDead(.lock, path)
        let taken = state.withLock { $0.locked.insert(path).inserted }
        if !taken { throw DiskError(.lock, path, EWOULDBLOCK, holder: getpid()) }
        return Lock(disk: self, path: path)
    }

    private final class Lock: DiskLock {
        let disk: SimDisk
        let path: String
        let released = Atomic<Bool>(false)

        init(disk: SimDisk, path: String) {
            self.disk = disk
            self.path = path
        }

        deinit { release() }

        func release() {
            if !released.exchange(true, ordering: .relaxed) { _ = disk.state.withLock { $0.locked.remove(path) } }
        }
    }

    private final class Handle: DiskFile {
        /// Touched under the disk's lock only.
        struct Box: @unchecked Sendable {
            let node: Node
            init(_ node: Node) { self.node = node }
        }

        let disk: SimDisk
        let path: String
        let node: Box
        let writable: Bool

        init(disk: SimDisk, path: String, node: Box, writable: Bool) {
            self.disk = disk
            self.path = path
            self.node = node
            self.writable = writable
        }

        func size() throws(DiskError) -> Int { disk.state.withLock { _ in node.node.live.count } }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
            try disk.isDead(.read, path)
            nonisolated(unsafe) let target = buffer
            return disk.state.withLock { _ in
                let live = node.node.live
                guard offset < live.count else { return 0 }
                let count = min(target.count, live.count - offset)
                live.withUnsafeBytes {
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
                }
                return count
            }
        }

        func write(_ parts: [ByteView], at offset: Int) throws(DiskError) {
            var bytes: [UInt8] = []
            for part in parts { bytes.append(contentsOf: part.copy()) }
            try disk.count(.write, path)
            let data = bytes
            let used = disk.used
            let outcome: DiskError? = disk.state.withLock { state in
                let grows = max(0, offset + data.count - node.node.live.count)
                let room = max(0, state.capacity - used)
                if grows > room {
                    // As much as fits is written, as a real disk does.
                    let part = data.prefix(max(0, data.count - (grows - room)))
                    if !part.isEmpty { node.node.apply(.write(offset: offset, bytes: Array(part))) }
                    return DiskError(.write, path, ENOSPC)
                }
                node.node.apply(.write(offset: offset, bytes: data))
                return nil
            }
            if let outcome { throw outcome }
        }

        func sync() throws(DiskError) {
            do throws(DiskError) { try disk.count(.sync, path) } catch {
                // As Linux does: the pages count as clean from now on, and no later sync writes them.
                disk.state.withLock { _ in node.node.pending = [] }
                throw error
            }
            disk.state.withLock { _ in node.node.sync() }
        }

        func truncate(to size: Int) throws(DiskError) {
            try disk.count(.truncate, path)
            disk.state.withLock { _ in node.node.apply(.truncate(size)) }
        }

        func preallocate(_ size: Int) throws(DiskError) {
            disk.state.withLock { _ in
                if size > node.node.live.count { node.node.apply(.truncate(size)) }
            }
        }

        func forget(_ range: Range<Int>) {}

        func close() {}
    }
}

extension SimDisk.Operation {
    fileprivate var disk: DiskError.Operation {
        switch self {
        case .create: .open
        case .write: .write
        case .sync: .sync
        case .truncate: .truncate
        case .rename: .rename
        case .remove: .remove
        case .syncDirectory: .syncDirectory
        }
    }
}
