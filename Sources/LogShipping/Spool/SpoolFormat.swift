import Bytes
import LogModel
import NIOCore

/// The bytes of a spool, as `docs/formats/spool.md` tells them.
enum SpoolFormat {
    static let partPrefix = "part-"
    static let damagedSuffix = ".damaged"
    static let progressName = "progress"
    static let lockName = "lock"

    static func partName(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return partPrefix + String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }

    static func partNumber(_ name: String) -> UInt64? {
        guard name.hasPrefix(partPrefix), name.utf8.count == partPrefix.utf8.count + 16 else { return nil }
        return UInt64(name.dropFirst(partPrefix.count), radix: 16)
    }

    // MARK: Head of a part

    /// magic 8, version 4, number 8, identity 16, CRC32C 4
    static let headSize = 40
    private static let magic: StaticString = "TRSPOOL\n"
    private static let version: UInt32 = 1

    static func head(number: UInt64, identity: SpoolIdentity) -> ByteArena {
        let out = ByteArena(capacity: headSize)
        out.append(magic)
        out.append(littleEndian: version)
        out.append(littleEndian: number)
        out.append(littleEndian: identity.high)
        out.append(littleEndian: identity.low)
        out.append(littleEndian: CRC32C.of(out.view))
        return out
    }

    static func identity(inHead head: ByteView) throws(DecodeError) -> SpoolIdentity {
        guard head.count >= headSize, head.hasPrefix(magic) else { throw DecodeError("no part of a spool") }
        var reader = ByteReader(head)
        try reader.seek(to: headSize - 4)
        guard try reader.littleEndian(UInt32.self) == CRC32C.of(head[0..<headSize - 4]) else {
            throw DecodeError("the head's checksum is wrong")
        }
        try reader.seek(to: 8)
        guard try reader.littleEndian(UInt32.self) == version else { throw DecodeError("a version that is not known") }
        _ = try reader.littleEndian(UInt64.self)
        return SpoolIdentity(high: try reader.littleEndian(), low: try reader.littleEndian())
    }

    // MARK: Records

    /// Length 4, CRC32C of the payload 4.
    static let recordHeadSize = 8
    /// A longer record is damage, bytes.
    static let recordMax = 256 << 20
    /// Ordinals stay below, so that arithmetic on what is read needs no further care.
    static let ordinalMax: UInt64 = 1 << 62

    /// The payload with its head.
    static func record(ordinal: UInt64, advances: [Spool.Advance], parcels: [Parcel], sequences: [UInt64]) -> ByteArena {
        let out = ByteArena(capacity: 256 + parcels.reduce(0) { $0 + $1.body.readableBytes + 64 })
        out.append(littleEndian: UInt32(0))
        out.append(littleEndian: UInt32(0))
        out.append(varint: ordinal)
        out.append(varint: UInt64(advances.count))
        for advance in advances {
            out.append(prefixed: advance.source)
            out.append(prefixed: ByteString(advance.path))
            out.append(varint: advance.to.offset)
            out.append(prefixed: advance.to.detail)
        }
        out.append(varint: UInt64(parcels.count))
        for (parcel, sequence) in zip(parcels, sequences) {
            out.append(varint: sequence)
            out.append(varint: UInt64(parcel.entries))
            out.append(varint: UInt64(parcel.bytes))
            out.append(varint: UInt64(parcel.shard))
            out.append(prefixed: ByteString(parcel.tenant))
            parcel.body.withUnsafeReadableBytes { out.append(prefixed: ByteView(unsafe: $0)) }
        }
        let payload = out.view.suffix(from: recordHeadSize)
        let sum = CRC32C.of(payload)
        out.store(littleEndian: UInt32(payload.count), at: 0)
        out.store(littleEndian: sum, at: 4)
        return out
    }

    struct Record {
        var ordinal: UInt64
        var advances: [Spool.Advance]
        var parcels: [Parcel]
        var entries: Int { parcels.reduce(0) { $0 + $1.entries } }
    }

    /// `keepsBodies`: false leaves them empty, for a look at what there is.
    static func decode(
        _ payload: ByteView, identity: SpoolIdentity, keepsBodies: Bool
    ) throws(DecodeError) -> Record {
        var reader = ByteReader(payload)
        var record = Record(ordinal: try reader.varint(), advances: [], parcels: [])
        guard record.ordinal < ordinalMax else { throw DecodeError("an ordinal that nobody counts to") }
        for _ in 0..<(try reader.count()) {
            let source = ByteString(try reader.prefixed())
            let path = try reader.prefixed().string
            let offset = try reader.varint()
            let detail = ByteString(try reader.prefixed())
            record.advances.append(
                Spool.Advance(source: source, path: path, to: SourcePosition(offset: offset, detail: detail)))
        }
        for _ in 0..<(try reader.count()) {
            let sequence = try reader.varint()
            let entries = try reader.varint()
            let bytes = try reader.varint()
            let shard = try reader.varint()
            let tenant = try reader.prefixed().string
            let body = try reader.prefixed()
            record.parcels.append(
                Parcel(
                    body: keepsBodies ? body.withUnsafeBytes { ByteBuffer(bytes: $0) } : ByteBuffer(),
                    entries: Int(clamping: entries), bytes: Int(clamping: bytes), tenant: tenant,
                    batchHeader: identity.header(sequence), shard: Int(clamping: shard)))
        }
        return record
    }

    // MARK: Progress

    /// Two slots, written in turn; the one with the higher number and a right checksum holds. generation 8, done 8, CRC 4
    static let slotSize = 20

    static func slot(generation: UInt64, done: UInt64) -> ByteArena {
        let out = ByteArena(capacity: slotSize)
        out.append(littleEndian: generation)
        out.append(littleEndian: done)
        out.append(littleEndian: CRC32C.of(out.view))
        return out
    }

    static func progress(_ bytes: ByteView) -> (generation: UInt64, done: UInt64)? {
        var best: (generation: UInt64, done: UInt64)?
        for start in [0, slotSize] where start + slotSize <= bytes.count {
            var reader = ByteReader(bytes[start..<start + slotSize])
            guard let generation = try? reader.littleEndian(UInt64.self), let done = try? reader.littleEndian(UInt64.self),
                let sum = try? reader.littleEndian(UInt32.self), sum == CRC32C.of(bytes[start..<start + slotSize - 4]),
                done < ordinalMax
            else { continue }
            if generation > best?.generation ?? 0 { best = (generation, done) }
        }
        return best
    }
}

/// The name under which a Tailrace server knows who numbers its batches: one for each time that a spool is opened, so that
/// a number never stands for two contents, not even when the directory is put back from a backup.
struct SpoolIdentity: Sendable, Equatable {
    var high: UInt64
    var low: UInt64

    static func make() -> SpoolIdentity {
        SpoolIdentity(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }

    func header(_ sequence: UInt64) -> String { "\(Self.hex(high))\(Self.hex(low))/0/\(sequence)" }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
