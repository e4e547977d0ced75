import Bytes
import Disk
import LogModel
import Synchronization

/// The manifest on disk: docs/formats/manifest.md, version 1. An append-only file of checked edits, named by `CURRENT`.
///
/// - An edit counts when it is synced; a torn one at the end never happened.
/// - When the file grows beyond `sizeMax`, or an edit could not be synced, the next edit begins a new file with a
///   snapshot, to which `CURRENT` is switched by an atomic rename.
final class ManifestLog: Sendable {
    static let version: UInt32 = 1
    static let magic: UInt64 = 0x314E_414D_4352_5254  // "TRRCMAN1", little endian
    static let recordMagic: UInt32 = 0x454D_5254  // "TRME"
    static let headerSize = 32
    static let recordHeaderSize = 20
    static let sizeMax = 1 << 20

    private struct State {
        var manifest: Manifest
        var file: (any DiskFile)?
        var number: UInt64
        var end: Int
        var sequence: UInt64
        /// Size of the snapshot at its head: files that are mostly snapshot are not rewritten for every edit.
        var snapshotSize: Int
        /// Older files hold damage: they are renamed, not removed.
        var keepsOld: Bool
        /// Segments of edits that failed: the file on disk may list them all the same, so they stay until a fresh file,
        /// which does not, has taken its place.
        var doubtful: [Segment] = []
    }

    private let disk: any Disk
    private let directory: String
    private let state: Mutex<State>
    /// Beside the state, whose lock is held while the disk is written.
    private let committedFloor = Atomic<UInt64>(0)

    private init(disk: any Disk, directory: String, state: sending State) {
        self.disk = disk
        self.directory = directory
        self.state = Mutex(state)
    }

    /// The manifest of a new or reopened store. A new file is begun with the first edit.
    convenience init(disk: any Disk, directory: String, lastNumber: UInt64, keepsOld: Bool) {
        self.init(
            disk: disk,
            directory: directory,
            state: State(
                manifest: Manifest(),
                file: nil,
                number: lastNumber,
                end: 0,
                sequence: 0,
                snapshotSize: 0,
                keepsOld: keepsOld
            )
        )
    }

    var manifest: Manifest { state.withLock { $0.manifest } }

    func segmentNumber() -> UInt64 {
        state.withLock { state in
            defer { state.manifest.nextSegment += 1 }
            return state.manifest.nextSegment
        }
    }

    /// Records of the write-ahead log up to this one are in segments.
    var floor: UInt64 { committedFloor.load(ordering: .acquiring) }

    /// Before work that ends in an edit: makes sure that edits can be written, so that files do not pile up in vain.
    func prepare() throws(StoreError) {
        if state.withLock({ $0.file == nil }) { try commit(ManifestEdit()) }
    }

    /// Makes an edit durable, then applies it. On an error it did not happen, but until the next one that succeeds a
    /// crash may make it true: `files`, which it lists, are kept until then, and removed after.
    func commit(_ edit: ManifestEdit, files: [Segment] = []) throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            var next = state.manifest
            next.apply(edit)
            do throws(DiskError) {
                if let file = state.file, state.end < max(Self.sizeMax, 4 * state.snapshotSize) {
                    let record = ByteArena(capacity: 4096)
                    Self.append(edit, number: state.number, sequence: state.sequence + 1, into: record)
                    do throws(DiskError) {
                        try file.write([record.view], at: state.end)
                        try file.sync()
                        state.sequence += 1
                        state.end += record.count
                    } catch {
                        // Nobody knows what the file holds now: a fresh one tells. Nothing was promised yet.
                        file.close()
                        state.file = nil
                        throw error
                    }
                } else {
                    try self.begin(next, &state)
                }
            } catch {
                state.doubtful += files
                throw StoreError(error, "writing the manifest of \(self.directory)")
            }
            state.manifest = next
            self.committedFloor.store(next.floor, ordering: .releasing)
        }
    }

    private func begin(_ manifest: Manifest, _ state: inout State) throws(DiskError) {
        let number = state.number + 1
        let name = StoreNames.manifestName(number)
        let path = DiskPath.join(directory, name)
        let out = ByteArena(capacity: 64 << 10)
        out.append(littleEndian: Self.magic)
        out.append(littleEndian: Self.version)
        out.append(littleEndian: UInt32(0))
        out.append(littleEndian: number)
        out.append(littleEndian: UInt32(0))
        out.append(littleEndian: CRC32C.of(out.view))
        Self.append(manifest.snapshot, number: number, sequence: 1, into: out)
        if try disk.size(of: path) != nil { try disk.unlink(path) }
        let file = try disk.open(path, .create)
        try file.write([out.view], at: 0)
        try file.sync()
        try disk.syncDirectory(directory)
        let current = ByteArena(capacity: 128)
        current.append("tailrace store \(Self.version)\n\(name)\n")
        current.append("\(CRC32C.of(current.view))\n")
        // After a failure below, `CURRENT` may name either file; both are whole, and the next edit begins a third.
        state.number = number
        state.file = nil
        try disk.atomicReplace(DiskPath.join(directory, StoreNames.current), with: current.view)
        state.file = file
        state.end = out.count
        state.snapshotSize = out.count
        state.sequence = 1
        for name in (try? disk.list(directory)) ?? [] {
            guard let other = StoreNames.manifest(name), other != number else { continue }
            let path = DiskPath.join(directory, name)
            if state.keepsOld { try? disk.rename(path, to: path + ".damaged") } else { try? disk.unlink(path) }
        }
        state.keepsOld = false
        for segment in state.doubtful { segment.retire() }
        state.doubtful = []
    }

    /// Goes on with what was read. The next edit begins a new file: the old one's end may be torn.
    func adopt(_ manifest: Manifest) {
        state.withLock { $0.manifest = manifest }
        committedFloor.store(manifest.floor, ordering: .releasing)
    }

    func close() {
        state.withLock { state in
            state.file?.close()
            state.file = nil
        }
    }

    private static func append(_ edit: ManifestEdit, number: UInt64, sequence: UInt64, into out: ByteArena) {
        let start = out.count
        out.append(littleEndian: recordMagic)
        out.append(littleEndian: UInt32(0))
        out.append(littleEndian: sequence)
        out.append(littleEndian: UInt32(0))
        edit.encode(into: out)
        let length = out.count - start - recordHeaderSize
        out.store(littleEndian: UInt32(clamping: length), at: start + 4)
        out.store(littleEndian: checksum(out.view, start, length, number), at: start + 16)
    }

    private static func checksum(_ view: ByteView, _ start: Int, _ length: Int, _ number: UInt64) -> UInt32 {
        let seed = UInt32(truncatingIfNeeded: number &* 0x9E37_79B9)
        let head = CRC32C.of(view[start..<start + 16], seed: seed)
        return CRC32C.of(view[start + recordHeaderSize..<start + recordHeaderSize + length], seed: head)
    }

    // MARK: Reading

    /// What stands on disk.
    struct Reading {
        var manifest = Manifest()
        /// Highest number of a manifest file, 0 when there is none.
        var lastNumber: UInt64 = 0
        /// Edits may be missing: segments that nobody lists may hold what they listed.
        var incomplete = false
        var damaged: [String] = []
        /// Whether there was any manifest at all.
        var exists = false
    }

    /// Reads the manifest that `CURRENT` names; where that is damaged, the newest that can be read.
    static func read(disk: any Disk, directory: String, names: [String]) throws(StoreError) -> Reading {
        var reading = Reading()
        let numbers = names.compactMap { StoreNames.manifest($0) }.sorted(by: >)
        reading.lastNumber = numbers.first ?? 0
        var chosen: UInt64?
        if names.contains(StoreNames.current) {
            switch try current(disk, directory) {
            case .names(let number): chosen = number
            case .otherVersion(let version):
                throw StoreError(
                    .invalid,
                    "data directory \(directory) was written in store format \(version), this program reads "
                        + "\(Self.version): run the tailrace that wrote it, or give another directory"
                )
            case .damaged:
                reading.incomplete = true
                reading.damaged.append("\(DiskPath.join(directory, StoreNames.current)) is damaged")
            }
        } else if !numbers.isEmpty {
            // A first start that was cut off leaves a manifest that nothing names yet.
            reading.incomplete = names.contains { StoreNames.segment($0) != nil }
        }
        if let number = chosen, try load(disk, directory, number, into: &reading) { return reading }
        if chosen != nil {
            reading.incomplete = true
            reading.damaged.append("manifest \(StoreNames.manifestName(chosen ?? 0)) cannot be read")
        }
        for number in numbers where number != chosen {
            if try load(disk, directory, number, into: &reading) { return reading }
        }
        if numbers.isEmpty, !names.contains(StoreNames.current) {
            reading.incomplete = names.contains { StoreNames.segment($0) != nil }
            if reading.incomplete { reading.damaged.append("there is no manifest in \(directory)") }
        }
        return reading
    }

    private enum Current {
        case names(UInt64)
        case otherVersion(String)
        case damaged
    }

    private static func current(_ disk: any Disk, _ directory: String) throws(StoreError) -> Current {
        let path = DiskPath.join(directory, StoreNames.current)
        let text: String
        do {
            let contents = try disk.contents(of: path, limit: 4096)
            text = withExtendedLifetime(contents) { contents.view.string }
        } catch { return .damaged }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count == 4, lines[3].isEmpty, lines[0].hasPrefix("tailrace store ") else { return .damaged }
        let checked = ByteArena()
        checked.append(lines[0] + "\n" + lines[1] + "\n")
        guard UInt32(lines[2]) == CRC32C.of(checked.view) else { return .damaged }
        let version = String(lines[0].dropFirst("tailrace store ".count))
        guard version == "\(Self.version)" else { return .otherVersion(version) }
        return StoreNames.manifest(lines[1]).map { .names($0) } ?? .damaged
    }

    /// False when the file is no manifest at all.
    private static func load(
        _ disk: any Disk,
        _ directory: String,
        _ number: UInt64,
        into reading: inout Reading
    ) throws(StoreError) -> Bool {
        let name = StoreNames.manifestName(number)
        let path = DiskPath.join(directory, name)
        guard let bytes = try? disk.contents(of: path), bytes.count >= headerSize else { return false }
        var header = ByteReader(bytes.view)
        guard (try? header.littleEndian(UInt64.self)) == magic,
            let version = try? header.littleEndian(UInt32.self),
            (try? header.littleEndian(UInt32.self)) != nil,
            (try? header.littleEndian(UInt64.self)) == number,
            (try? header.littleEndian(UInt32.self)) != nil,
            (try? header.littleEndian(UInt32.self)) == CRC32C.of(bytes[0..<headerSize - 4])
        else { return false }
        guard version == Self.version else {
            throw StoreError(
                .invalid,
                "\(path) has format \(version), this program reads \(Self.version): run the tailrace that wrote it"
            )
        }
        var manifest = Manifest()
        var expected: UInt64 = 1
        var at = headerSize
        var sawSnapshot = false
        while at < bytes.count {
            guard let record = record(bytes.view, at: at, number: number) else {
                guard let next = nextRecord(bytes.view, from: at + 1, number: number) else {
                    // Nothing valid behind it: an edit that was never finished.
                    break
                }
                reading.incomplete = true
                reading.damaged.append("manifest \(path) is damaged at byte \(at)")
                at = next
                continue
            }
            if record.sequence != expected, record.sequence > expected { reading.incomplete = true }
            if record.sequence == 1 { sawSnapshot = true }
            expected = record.sequence + 1
            do { manifest.apply(try ManifestEdit.decode(record.body)) } catch {
                reading.incomplete = true
                reading.damaged.append("manifest \(path) is damaged at byte \(at): \(error)")
            }
            at += recordHeaderSize + record.body.count
        }
        if expected == 1 { return false }
        if !sawSnapshot { reading.incomplete = true }
        reading.manifest = manifest
        reading.exists = true
        return true
    }

    private static func record(
        _ view: ByteView,
        at start: Int,
        number: UInt64
    ) -> (sequence: UInt64, body: ByteView)? {
        guard start + recordHeaderSize <= view.count else { return nil }
        var reader = ByteReader(view[start..<start + recordHeaderSize])
        guard (try? reader.littleEndian(UInt32.self)) == recordMagic,
            let length = (try? reader.littleEndian(UInt32.self)).map({ Int($0) }),
            let sequence = try? reader.littleEndian(UInt64.self),
            let crc = try? reader.littleEndian(UInt32.self),
            length <= view.count - start - recordHeaderSize,
            crc == checksum(view, start, length, number)
        else { return nil }
        return (sequence, view[start + recordHeaderSize..<start + recordHeaderSize + length])
    }

    private static func nextRecord(_ view: ByteView, from start: Int, number: UInt64) -> Int? {
        let needle = ByteArena()
        needle.append(littleEndian: recordMagic)
        var at = start
        while at < view.count, let hit = view.firstRange(of: needle.view, from: at) {
            if record(view, at: hit, number: number) != nil { return hit }
            at = hit + 1
        }
        return nil
    }
}
