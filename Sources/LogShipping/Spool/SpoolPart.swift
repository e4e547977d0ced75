import Bytes
import Disk

/// A part as it lies on disk.
enum SpoolPart {
    /// The latest position of each source in it. What cannot be read is left out: it was read well once, and its lines have been sent.
    /// Memory: one record.
    static func advances(_ path: String, _ identity: SpoolIdentity, _ disk: any Disk) -> [Spool.Advance] {
        var latest: [ByteString: Spool.Advance] = [:]
        guard let file = try? disk.open(path, .read) else { return [] }
        defer { file.close() }
        let buffer = ByteArena(capacity: 1 << 16)
        var offset = SpoolFormat.headSize
        do {
            let size = try file.size()
            while size - offset >= SpoolFormat.recordHeadSize {
                buffer.reset()
                try file.read(SpoolFormat.recordHeadSize, at: offset, into: buffer)
                var head = ByteReader(buffer.view)
                let length = Int(try head.littleEndian(UInt32.self))
                offset += SpoolFormat.recordHeadSize
                guard length > 0, length <= SpoolFormat.recordMax, length <= size - offset else { break }
                buffer.reset()
                try file.read(length, at: offset, into: buffer)
                let record = try SpoolFormat.decode(buffer.view, identity: identity, keepsBodies: false)
                for advance in record.advances { latest[advance.source] = advance }
                offset += length
            }
        } catch {}
        return Array(latest.values)
    }
}
