import Bytes

/// Bytes of the write-ahead log: docs/formats/wal.md, version 1.
///
/// - A file begins with two equal copies of a header that holds a random nonce and the first sequence number.
/// - A record's checksum is seeded with nonce and sequence number: bytes left over from another file never pass.
/// - `durable` is the last sequence number known to be synced when the record was written.
enum WalFormat {
    static let version: UInt32 = 1
    static let fileMagic: UInt64 = 0x314C_4157_4352_5254  // "TRRCWAL1", little endian
    static let headerSize = 64
    /// Both copies.
    static let dataStart = 2 * headerSize
    static let recordHeaderSize = 32
    static let recordMagic: UInt32 = 0x4C57_5254  // "TRWL"
    /// A body that claims more is a lie: a batch holds at most 1 GiB of lines, and row tables come on top.
    static let bodyMax = (1 << 30) + (512 << 20)

    struct FileHeader: Equatable {
        var number: UInt64
        var nonce: UInt64
        /// Records with this number or a higher one in files before this one are void.
        var first: UInt64

        func encode(into out: ByteArena) {
            for _ in 0..<2 {
                let start = out.count
                out.append(littleEndian: WalFormat.fileMagic)
                out.append(littleEndian: WalFormat.version)
                out.append(littleEndian: UInt32(0))
                out.append(littleEndian: number)
                out.append(littleEndian: nonce)
                out.append(littleEndian: first)
                while out.count - start < WalFormat.headerSize - 4 { out.append(0 as UInt8) }
                out.append(littleEndian: CRC32C.of(out[start..<out.count]))
            }
        }

        enum Reading {
            /// `whole` is false when only one of the two copies can be read.
            case header(FileHeader, whole: Bool)
            case otherVersion(UInt32)
            case damaged
        }

        static func decode(_ bytes: ByteView) -> Reading {
            let copies = [0, WalFormat.headerSize].map { start -> Reading in
                guard bytes.count >= start + WalFormat.headerSize else { return .damaged }
                return decodeOne(bytes[start..<start + WalFormat.headerSize])
            }
            switch (copies[0], copies[1]) {
            case (.header(let header, _), .header): return .header(header, whole: true)
            case (.header(let header, _), _), (_, .header(let header, _)): return .header(header, whole: false)
            case (.otherVersion(let version), _): return .otherVersion(version)
            default: return .damaged
            }
        }

        private static func decodeOne(_ bytes: ByteView) -> Reading {
            var reader = ByteReader(bytes)
            guard let magic = try? reader.littleEndian(UInt64.self), magic == WalFormat.fileMagic,
                let version = try? reader.littleEndian(UInt32.self),
                (try? reader.littleEndian(UInt32.self)) != nil,
                let number = try? reader.littleEndian(UInt64.self),
                let nonce = try? reader.littleEndian(UInt64.self),
                let first = try? reader.littleEndian(UInt64.self),
                (try? reader.seek(to: WalFormat.headerSize - 4)) != nil,
                let crc = try? reader.littleEndian(UInt32.self),
                crc == CRC32C.of(bytes[0..<WalFormat.headerSize - 4])
            else { return .damaged }
            guard version == WalFormat.version else { return .otherVersion(version) }
            return .header(FileHeader(number: number, nonce: nonce, first: first), whole: true)
        }
    }

    enum Kind: UInt16 {
        case batch = 1
        /// Empty; says which records before it were synced. Uses the next record's number without taking it.
        case mark = 2
    }

    struct RecordHeader {
        var sequence: UInt64
        var durable: UInt64
        var bodyLength: UInt32
        var kind: UInt16
        var crc: UInt32
    }

    /// What the magic of a file's records is: that of others does not even look like one.
    static func magic(nonce: UInt64) -> UInt32 { recordMagic ^ UInt32(truncatingIfNeeded: nonce) }

    /// Checksum over header and body. The body's own checksum, which the appending thread computes, is folded in, so
    /// that the committer need not touch the lines again.
    static func checksum(header: ByteView, body: UInt32, nonce: UInt64, sequence: UInt64) -> UInt32 {
        let scratch = ByteArena(capacity: 64)
        scratch.append(littleEndian: nonce)
        scratch.append(littleEndian: sequence)
        scratch.append(header)
        scratch.append(littleEndian: body)
        return CRC32C.of(scratch.view)
    }

    /// Fills the 32 bytes at `offset` of `out`, which were left free when the body was encoded behind them.
    static func seal(
        _ out: ByteArena,
        at offset: Int,
        kind: Kind,
        sequence: UInt64,
        durable: UInt64,
        body: UInt32,
        nonce: UInt64
    ) {
        let length = out.count - offset - recordHeaderSize
        out.store(littleEndian: magic(nonce: nonce), at: offset)
        out.store(littleEndian: sequence, at: offset + 4)
        out.store(littleEndian: durable, at: offset + 12)
        out.store(littleEndian: UInt32(length), at: offset + 20)
        out.store(littleEndian: kind.rawValue, at: offset + 24)
        out.store(littleEndian: UInt16(0), at: offset + 26)
        let crc = checksum(header: out[offset..<offset + 28], body: body, nonce: nonce, sequence: sequence)
        out.store(littleEndian: crc, at: offset + 28)
    }

    /// The header at the start of `bytes` if its magic is right; the checksum is not looked at.
    static func recordHeader(_ bytes: ByteView, nonce: UInt64) -> RecordHeader? {
        var reader = ByteReader(bytes)
        guard let found = try? reader.littleEndian(UInt32.self), found == magic(nonce: nonce),
            let sequence = try? reader.littleEndian(UInt64.self),
            let durable = try? reader.littleEndian(UInt64.self),
            let length = try? reader.littleEndian(UInt32.self),
            let kind = try? reader.littleEndian(UInt16.self),
            (try? reader.littleEndian(UInt16.self)) != nil,
            let crc = try? reader.littleEndian(UInt32.self)
        else { return nil }
        return RecordHeader(sequence: sequence, durable: durable, bodyLength: length, kind: kind, crc: crc)
    }

    /// Whether `record`, header and body, is what was written.
    static func isIntact(_ record: ByteView, header: RecordHeader, nonce: UInt64) -> Bool {
        guard record.count == recordHeaderSize + Int(header.bodyLength) else { return false }
        let body = CRC32C.of(record.suffix(from: recordHeaderSize))
        return header.crc
            == checksum(header: record[0..<28], body: body, nonce: nonce, sequence: header.sequence)
    }

    static func fileName(_ number: UInt64) -> String { StoreNames.numbered("wal-", number, ".log") }
}

/// Names of the store's files. Only names of these patterns are ever deleted.
enum StoreNames {
    static let lock = "LOCK"
    static let current = "CURRENT"
    /// Behind the name of a file that is not complete yet.
    static let unfinished = ".new"
    static let deletions = "DELETIONS"

    static func numbered(_ prefix: String, _ number: UInt64, _ suffix: String) -> String {
        let digits = String(number)
        return prefix + String(repeating: "0", count: max(0, 12 - digits.utf8.count)) + digits + suffix
    }

    static func number(_ name: String, _ prefix: String, _ suffix: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let digits = name.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
        guard digits.count >= 12, digits.allSatisfy({ $0.isDigit }) else { return nil }
        return UInt64(String(decoding: Array(digits), as: UTF8.self))
    }

    static func wal(_ name: String) -> UInt64? { number(name, "wal-", ".log") }
    static func segment(_ name: String) -> UInt64? { number(name, "segment-", ".seg") }
    static func manifest(_ name: String) -> UInt64? { number(name, "manifest-", ".log") }

    static func segmentName(_ number: UInt64) -> String { numbered("segment-", number, ".seg") }
    static func manifestName(_ number: UInt64) -> String { numbered("manifest-", number, ".log") }
}
