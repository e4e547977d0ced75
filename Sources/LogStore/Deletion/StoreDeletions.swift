import Bytes
import Disk
import LogModel
import Synchronization

/// The delete requests of a store: a small file, replaced as a whole with each change.
///
/// Format: docs/formats/deletions.md.
package final class StoreDeletions: DeletionLog {
    private let disk: any Disk
    private let path: String
    private let known: Mutex<[DeleteRequest]>
    /// One change at a time: the file is written outside of the other lock, which queries take.
    private let changing = Mutex<Void>(())

    static let magic: UInt64 = 0x3245_4C45_4443_5254  // "TRCDELE2", little endian
    /// Version 1, which knew no end of a request.
    static let magicBefore: UInt64 = 0x3145_4C45_4443_5254
    /// More that wait are refused: each costs every query of its time a look.
    static let countMax = 1_000
    /// How long a request is listed after it was done, nanoseconds; and how many of them at most.
    static let processedAge: Int64 = 30 * 86_400_000_000_000

    private init(disk: any Disk, path: String, known: [DeleteRequest]) {
        self.disk = disk
        self.path = path
        self.known = Mutex(known)
    }

    /// Reads the requests of a data directory. Requests whose lines have all expired by age are forgotten.
    ///
    /// A damaged file is set aside and told to `damage`: what it hid is shown until somebody asks again (I5: damage
    /// never stops the rest from being served).
    static func open(
        _ settings: StoreSettings, disk: any Disk, now: Int64, damage: DamageList
    ) throws(StoreError) -> StoreDeletions {
        let path = DiskPath.join(settings.directory, StoreNames.deletions)
        var known: [DeleteRequest] = []
        do throws(DiskError) {
            if try disk.size(of: path) != nil {
                let contents = try disk.contents(of: path)
                do throws(DecodeError) { known = try decode(contents.view) } catch {
                    let aside = path + ".damaged"
                    try disk.rename(path, to: aside)
                    try disk.syncDirectory(settings.directory)
                    damage.add(
                        "\(path): \(error); lines that were deleted are shown again until their delete requests are "
                            + "repeated; the file is kept as \(aside)")
                }
            }
        } catch {
            throw StoreError(error, "reading \(path)")
        }
        if let age = settings.retentionAgeMax {
            let oldest = Timestamp(nanoseconds: now).advanced(by: -age).nanoseconds
            known.removeAll { $0.end < oldest && $0.createdAt < oldest }
        }
        return StoreDeletions(disk: disk, path: path, known: known)
    }

    package func requests(of tenant: Tenant) -> [DeleteRequest] {
        known.withLock { known in known.isEmpty ? [] : known.filter { $0.tenant == tenant } }
    }

    package func add(_ request: DeleteRequest) throws(StoreError) {
        _ = try change { list throws(StoreError) in
            guard list.count(where: { !$0.isProcessed }) < Self.countMax else {
                throw StoreError(
                    .invalid, "there are \(Self.countMax) delete requests already: cancel some, or ask for more in one query")
            }
            list.append(request)
            return true
        }
    }

    package func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool {
        try change { list throws(StoreError) in
            guard let at = list.firstIndex(where: { $0.id == id && $0.tenant == tenant }) else { return false }
            list.remove(at: at)
            return true
        }
    }

    /// All requests, of all tenants.
    package var all: [DeleteRequest] { known.withLock { $0 } }

    /// The lines of these requests have left the disk: queries need not hide them any more. Done ones beyond their time
    /// are forgotten.
    func finish(_ ids: Set<String>, now: Int64) throws(StoreError) {
        _ = try change { list throws(StoreError) in
            for at in list.indices where ids.contains(list[at].id) && !list[at].isProcessed { list[at].processedAt = now }
            let oldest = Timestamp(nanoseconds: now).advanced(by: -Self.processedAge).nanoseconds
            list.removeAll { ($0.processedAt ?? .max) < oldest }
            let surplus = list.count(where: \.isProcessed) - Self.countMax
            if surplus > 0 {
                for at in list.indices.filter({ list[$0].isProcessed }).prefix(surplus).reversed() { list.remove(at: at) }
            }
            return true
        }
    }

    /// Writes the changed list, then lets queries see it. `body` says whether there is anything to change.
    private func change(_ body: (inout [DeleteRequest]) throws(StoreError) -> Bool) throws(StoreError) -> Bool {
        let result: Result<Bool, StoreError> = changing.withLock { _ in
            var list = known.withLock { $0 }
            do throws(StoreError) {
                guard try body(&list) else { return .success(false) }
                do throws(DiskError) {
                    let contents = Self.encode(list)
                    try disk.atomicReplace(path, with: contents.view)
                } catch {
                    throw StoreError(error, "writing \(path)")
                }
            } catch {
                return .failure(error)
            }
            known.withLock { $0 = list }
            return .success(true)
        }
        return try result.get()
    }

    // MARK: Bytes

    static func encode(_ list: [DeleteRequest]) -> ByteArena {
        let out = ByteArena(capacity: 256)
        out.append(littleEndian: magic)
        out.append(varint: UInt64(list.count))
        for request in list {
            request.id.withView { out.append(prefixed: $0) }
            request.tenant.name.withView { out.append(prefixed: $0) }
            request.query.withView { out.append(prefixed: $0) }
            out.append(signedVarint: request.start)
            out.append(signedVarint: request.end)
            out.append(signedVarint: request.createdAt)
            out.append(request.isProcessed ? 1 : 0 as UInt8)
            if let processedAt = request.processedAt { out.append(signedVarint: processedAt) }
        }
        out.append(littleEndian: CRC32C.of(out.view))
        return out
    }

    static func decode(_ view: ByteView) throws(DecodeError) -> [DeleteRequest] {
        guard view.count >= 12 else { throw DecodeError("too short", at: view.count) }
        var trailer = ByteReader(view.suffix(from: view.count - 4))
        guard try trailer.littleEndian(UInt32.self) == CRC32C.of(view[0..<view.count - 4]) else {
            throw DecodeError("the checksum does not match", at: view.count - 4)
        }
        var reader = ByteReader(view[0..<view.count - 4])
        let version = try reader.littleEndian(UInt64.self)
        guard version == magic || version == magicBefore else { throw DecodeError("not a file of delete requests", at: 0) }
        var list: [DeleteRequest] = []
        for _ in 0..<(try reader.count()) {
            let id = try reader.prefixed().string
            guard let tenant = Tenant(try reader.prefixed().string) else {
                throw DecodeError("a tenant's name that is none", at: reader.offset)
            }
            let query = try reader.prefixed().string
            let start = try reader.signedVarint()
            let end = try reader.signedVarint()
            let createdAt = try reader.signedVarint()
            let isProcessed = version == magic ? try reader.byte() != 0 : false
            list.append(
                DeleteRequest(
                    id: id, tenant: tenant, query: query, start: start, end: end, createdAt: createdAt,
                    processedAt: isProcessed ? try reader.signedVarint() : nil))
        }
        return list
    }
}
