import Bytes
import LogModel

/// What a manifest knows of a segment: enough to say what is missing when the file cannot be read.
struct SegmentEntry: Sendable, Equatable {
    var number: UInt64
    var size: Int
    var rows: Int
    var lineBytes: Int
    var first: Int64
    var last: Int64

    init(_ info: SegmentInfo, size: Int) {
        number = info.number
        self.size = size
        rows = info.rows
        lineBytes = info.lineBytes
        first = info.first
        last = info.last
    }

    fileprivate init(_ reader: inout ByteReader) throws(DecodeError) {
        func size(_ reader: inout ByteReader) throws(DecodeError) -> Int { Int(clamping: try reader.varint()) }
        number = try reader.varint()
        self.size = try size(&reader)
        rows = try size(&reader)
        lineBytes = try size(&reader)
        first = try reader.signedVarint()
        last = try reader.signedVarint()
    }

    fileprivate func encode(into out: ByteArena) {
        out.append(varint: number)
        out.append(varint: UInt64(size))
        out.append(varint: UInt64(rows))
        out.append(varint: UInt64(lineBytes))
        out.append(signedVarint: first)
        out.append(signedVarint: last)
    }
}

/// One change of the store, all of it or nothing.
struct ManifestEdit: Sendable {
    var added: [SegmentEntry] = []
    var removed: [UInt64] = []
    /// Records of the write-ahead log up to this one are in segments.
    var floor: UInt64?
    /// Lowest number that no segment ever had.
    var nextSegment: UInt64?
    var positions: [ByteString: SourcePosition] = [:]
    var keys: [(client: BatchKeys.Client, window: BatchKeys.Window)] = []
    /// Batch keys older than this (wall clock, nanoseconds) are forgotten.
    var keysExpireBefore: Int64?

    private enum Tag: UInt8 {
        case add = 1
        case remove = 2
        case floor = 3
        case nextSegment = 4
        case position = 5
        case keys = 6
        case expire = 7
    }

    func encode(into out: ByteArena) {
        for entry in added {
            out.append(Tag.add.rawValue)
            entry.encode(into: out)
        }
        for number in removed {
            out.append(Tag.remove.rawValue)
            out.append(varint: number)
        }
        if let floor {
            out.append(Tag.floor.rawValue)
            out.append(varint: floor)
        }
        if let nextSegment {
            out.append(Tag.nextSegment.rawValue)
            out.append(varint: nextSegment)
        }
        for (source, position) in positions {
            out.append(Tag.position.rawValue)
            out.append(prefixed: source)
            out.append(varint: position.offset)
            out.append(prefixed: position.detail)
        }
        for (client, window) in keys {
            out.append(Tag.keys.rawValue)
            out.append(prefixed: client.name)
            out.append(varint: client.epoch)
            out.append(signedVarint: window.usedAt)
            out.append(varint: UInt64(window.ranges.count))
            for range in window.ranges {
                out.append(varint: range.lowerBound)
                out.append(varint: range.upperBound)
            }
        }
        if let keysExpireBefore {
            out.append(Tag.expire.rawValue)
            out.append(signedVarint: keysExpireBefore)
        }
    }

    static func decode(_ view: ByteView) throws(DecodeError) -> ManifestEdit {
        var reader = ByteReader(view)
        var edit = ManifestEdit()
        while !reader.isAtEnd {
            switch Tag(rawValue: try reader.byte()) {
            case .add: edit.added.append(try SegmentEntry(&reader))
            case .remove: edit.removed.append(try reader.varint())
            case .floor: edit.floor = try reader.varint()
            case .nextSegment: edit.nextSegment = try reader.varint()
            case .position:
                let source = ByteString(try reader.prefixed())
                let offset = try reader.varint()
                edit.positions[source] = SourcePosition(offset: offset, detail: ByteString(try reader.prefixed()))
            case .keys:
                let name = ByteString(try reader.prefixed())
                let client = BatchKeys.Client(name: name, epoch: try reader.varint())
                var window = BatchKeys.Window()
                let usedAt = try reader.signedVarint()
                for _ in 0..<(try reader.count()) {
                    let low = try reader.varint()
                    let high = try reader.varint()
                    guard low <= high else { throw DecodeError("a range upside down", at: reader.offset) }
                    window.insert(low...high, now: usedAt)
                }
                edit.keys.append((client, window))
            case .expire: edit.keysExpireBefore = try reader.signedVarint()
            case nil: throw DecodeError("unknown entry", at: reader.offset)
            }
        }
        return edit
    }
}

/// The sum of all edits.
struct Manifest: Sendable {
    var segments: [UInt64: SegmentEntry] = [:]
    var floor: UInt64 = 0
    var nextSegment: UInt64 = 1
    var positions: [ByteString: SourcePosition] = [:]
    var keys = BatchKeys()

    mutating func apply(_ edit: ManifestEdit) {
        for number in edit.removed { segments[number] = nil }
        for entry in edit.added {
            segments[entry.number] = entry
            nextSegment = max(nextSegment, entry.number &+ 1)
        }
        if let floor = edit.floor { self.floor = max(self.floor, floor) }
        if let next = edit.nextSegment { nextSegment = max(nextSegment, next) }
        positions.merge(edit.positions) { _, new in new }
        for (client, window) in edit.keys { keys.insert(client, window) }
        if let limit = edit.keysExpireBefore { keys.expire(before: limit) }
    }

    /// One edit that makes an empty manifest into this one.
    var snapshot: ManifestEdit {
        ManifestEdit(
            added: segments.values.sorted { $0.number < $1.number },
            floor: floor,
            nextSegment: nextSegment,
            positions: positions,
            keys: keys.windows.map { (client: $0.key, window: $0.value) }
        )
    }
}
