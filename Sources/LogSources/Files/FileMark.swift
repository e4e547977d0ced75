import Bytes
import LogModel

/// What is remembered of a file's contents, to know it again: a hash of its beginning, which grows with the file up to
/// 1 KiB, and a hash of the bytes before the position. A file that was overwritten in place, or that got the inode of a
/// deleted one, fails one of them.
///
/// Written into `SourcePosition.detail` as `1 fp=<length>:<hash> mk=<length>:<hash>@<end> path=<path when first seen>`. The end says
/// where the marked bytes end: a position that stays behind held lines (`multiline`) carries the mark of the last line read.
/// Without `@<end>`, as earlier versions wrote it, that is the position itself.
struct FileMark: Equatable, Sendable {
    /// How much of some bytes was hashed, and to what.
    struct Hash: Equatable, Sendable {
        var length: Int
        var value: UInt64

        static let none = Hash(length: 0, value: 0)

        init(length: Int, value: UInt64) {
            self.length = length
            self.value = value
        }

        init(of bytes: ByteView) {
            length = bytes.count
            value = bytes.isEmpty ? 0 : XXH3.of(bytes)
        }

        /// `lengthMax`: what a reader has room for.
        fileprivate init?(_ text: Substring, lengthMax: Int) {
            let parts = text.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let length = Int(parts[0]), let value = UInt64(parts[1], radix: 16),
                (0...lengthMax).contains(length)
            else { return nil }
            self.init(length: length, value: value)
        }

        fileprivate var text: String { "\(length):\(String(value, radix: 16))" }
    }

    static let fingerprintMax = 1024
    static let markerMax = 256

    var fingerprint: Hash = .none
    var marker: Hash = .none
    /// Where the bytes of `marker` end; nil: at the position.
    var markerEnd: UInt64?
    /// The path as first discovered: the value of `filename`, which does not follow renames.
    var path = ByteString()

    init() {}

    init?(_ detail: ByteString) {
        let text = detail.bytes
        guard detail.hasPrefix("1 ") else { return nil }
        let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 3)
        guard parts.count == 4, parts[1].starts(with: Array("fp=".utf8)), parts[2].starts(with: Array("mk=".utf8)),
            parts[3].starts(with: Array("path=".utf8)),
            let fingerprint = Hash(Substring(decoding: parts[1].dropFirst(3), as: UTF8.self), lengthMax: Self.fingerprintMax)
        else { return nil }
        let marked = Substring(decoding: parts[2].dropFirst(3), as: UTF8.self).split(
            separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let marker = marked.first.flatMap({ Hash($0, lengthMax: Self.markerMax) }) else { return nil }
        if marked.count == 2 {
            guard let end = UInt64(marked[1]), end >= UInt64(marker.length) else { return nil }
            markerEnd = end
        }
        self.fingerprint = fingerprint
        self.marker = marker
        path = ByteString([UInt8](parts[3].dropFirst(5)))
    }

    var detail: ByteString {
        let end = markerEnd.map { "@\($0)" } ?? ""
        return ByteString(Array("1 fp=\(fingerprint.text) mk=\(marker.text)\(end) path=".utf8) + path.bytes)
    }

    /// Whether the open file still holds what was seen of it, `offset` and the marked bytes included.
    func holds(_ file: Int32, size: UInt64, offset: UInt64, _ path: ByteString) throws(SystemError) -> Bool {
        let end = markerEnd ?? offset
        guard size >= max(offset, end), UInt64(fingerprint.length) <= size, UInt64(marker.length) <= end else { return false }
        let beginning = try System.bytes(file, 0..<UInt64(fingerprint.length), path)
        guard beginning.withView({ Hash(of: $0) }) == fingerprint else { return false }
        let before = try System.bytes(file, (end - UInt64(marker.length))..<end, path)
        return before.withView { Hash(of: $0) } == marker
    }

    /// Hash of the bytes of the open file before `offset`, as `marker` would have it.
    static func marker(_ file: Int32, before offset: UInt64, _ path: ByteString) throws(SystemError) -> Hash {
        let low = offset - min(offset, UInt64(markerMax))
        return try System.bytes(file, low..<offset, path).withView { Hash(of: $0) }
    }
}

/// Name of a file's contents as a source: `file:<device>:<inode>:<fingerprint>.<time>`, and `+<n>` for the n-th further
/// target that reads the same file.
///
/// Each time that contents begin anew (a new inode, or the same one overwritten) there is a new name, made unique by the
/// time in nanoseconds, so that its offsets begin at 0. A restart finds it by device and inode, and checks the mark.
struct FileSourceKey: Equatable, Sendable {
    static let prefix: ByteString = "file:"

    var id: FileID
    var fingerprint: UInt64
    var born: UInt64
    var slot: Int

    var text: ByteString {
        let tail = slot == 0 ? "" : "+\(slot)"
        return ByteString(
            "file:\(id.device):\(id.inode):\(String(fingerprint, radix: 16)).\(String(born, radix: 16))\(tail)")
    }

    init(id: FileID, fingerprint: UInt64, born: UInt64, slot: Int) {
        self.id = id
        self.fingerprint = fingerprint
        self.born = born
        self.slot = slot
    }

    init?(_ text: ByteString) {
        let parts = text.string.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "file", let device = UInt64(parts[1]), let inode = UInt64(parts[2]) else {
            return nil
        }
        let named = parts[3].split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = named.first else { return nil }
        let pair = name.split(separator: ".", maxSplits: 1)
        guard pair.count == 2, let fingerprint = UInt64(pair[0], radix: 16), let born = UInt64(pair[1], radix: 16) else {
            return nil
        }
        var slot = 0
        if named.count == 2 {
            guard let number = Int(named[1]), number > 0 else { return nil }
            slot = number
        }
        self.init(id: FileID(device: device, inode: inode), fingerprint: fingerprint, born: born, slot: slot)
    }
}

/// Positions of files that are not open: those committed at start, and those of files finished since.
struct KnownPositions {
    struct Known {
        var key: FileSourceKey
        var offset: UInt64
        var mark: FileMark
    }

    /// By inode alone: device numbers may change from one boot to the next.
    private var byInode: [UInt64: [Known]] = [:]
    private var finished: [UInt64] = []

    /// Files finished in this run and remembered; older ones are found in the sink after the next start.
    private static let finishedMax = 65_536

    init(_ positions: [(source: ByteString, position: SourcePosition)]) {
        for (source, position) in positions {
            guard let key = FileSourceKey(source), let mark = FileMark(position.detail) else { continue }
            byInode[key.id.inode, default: []].append(Known(key: key, offset: position.offset, mark: mark))
        }
    }

    var inodes: Set<UInt64> { Set(byInode.keys) }

    /// Positions that may be those of a file, the likeliest first: same device, then latest.
    func candidates(_ id: FileID, slot: Int) -> [Known] {
        (byInode[id.inode] ?? []).filter { $0.key.slot == slot }.sorted { a, b in
            let (x, y) = (a.key.id.device == id.device, b.key.id.device == id.device)
            return x == y ? a.key.born > b.key.born : x
        }
    }

    /// Takes a position out: no second file goes on with it.
    mutating func claim(_ known: Known) { byInode[known.key.id.inode]?.removeAll { $0.key == known.key } }

    /// Of each path, when it was first read, nanoseconds since 1970. What was written under that name since then was read, and
    /// is known, or was missed.
    ///
    /// A sink that forgets old generations (`PositionsFile` does beyond 32) must not make them pass for missed: then the
    /// one in the middle counts, whose forgotten predecessors' last lines are older even where files live for milliseconds or
    /// their writers are late; what was missed is young. 100 ms are allowed for the kernel's coarse clock of file times.
    var since: [ByteString: Int64] {
        var times: [ByteString: [UInt64]] = [:]
        for known in byInode.values.joined() { times[known.mark.path, default: []].append(known.key.born) }
        return times.mapValues { all in
            let oldest = all.count < PositionsFile.generationsMax ? all.min() : all.sorted()[all.count / 2]
            return Int64(clamping: oldest ?? .max) &- 100_000_000
        }
    }

    /// What is known of each path, by the path as first seen.
    var byPath: [ByteString: [Known]] { Dictionary(grouping: byInode.values.joined(), by: \.mark.path) }

    /// Whether the file at `path` holds what was read as one of `known`: a copy, as `copytruncate` leaves them. What of it was not read is for
    /// the file that was cut, see `Tail.readCopy`.
    static func isCopy(_ path: ByteString, size: UInt64, of known: [Known]) -> Bool {
        guard !known.isEmpty, let file = try? System.open(path) else { return false }
        defer { System.close(file) }
        return known.contains { max($0.offset, $0.mark.markerEnd ?? 0) > 0 && ((try? $0.mark.holds(file, size: size, offset: $0.offset, path)) ?? false) }
    }

    func all(inode: UInt64) -> [Known] { byInode[inode] ?? [] }

    /// Replaces what is known of the same contents.
    mutating func remember(_ known: Known) {
        byInode[known.key.id.inode, default: []].removeAll { $0.key == known.key }
        byInode[known.key.id.inode, default: []].append(known)
        finished.append(known.key.id.inode)
        if finished.count > Self.finishedMax {
            for inode in finished.prefix(Self.finishedMax / 2) { byInode[inode] = nil }
            finished.removeFirst(Self.finishedMax / 2)
        }
    }
}
