import Bytes
import Disk
import LogModel

/// Reads a spool's directory after a stop of whatever kind.
struct SpoolRecovery {
    struct Found {
        var state = Spool.State()
        var advances: [Spool.Advance] = []
        var damaged = 0
        var progress: (any DiskFile)?
        var generation: UInt64 = 0
        /// Highest number of any part, set aside or not.
        var highest: UInt64 = 0
    }

    /// Parts set aside that are kept; older ones are removed, or a bad disk would fill itself.
    static let damagedMax = 4
    /// Records that may be missing between two: more are no gap but a part from elsewhere.
    private static let gapMax: UInt64 = 1 << 20

    private let directory: String
    private let disk: any Disk
    private let report: @Sendable (String) -> Void

    init(_ directory: String, _ disk: any Disk, _ report: @escaping @Sendable (String) -> Void) {
        self.directory = directory
        self.disk = disk
        self.report = report
    }

    /// One pass over all bytes; memory: one record.
    func run() throws(DiskError) -> Found {
        var found = Found()
        try openProgress(&found)
        let done = found.state.base
        let names = try disk.list(directory)
        let numbers = names.compactMap { SpoolFormat.partNumber($0) }
        for name in names where name.hasSuffix(".tmp") { try? disk.unlink(DiskPath.join(directory, name)) }
        let aside = names.filter { $0.hasSuffix(SpoolFormat.damagedSuffix) }
        for name in aside.dropLast(Self.damagedMax) { try? disk.unlink(DiskPath.join(directory, name)) }
        found.highest = (numbers + aside.compactMap { SpoolFormat.partNumber(String($0.dropLast(SpoolFormat.damagedSuffix.utf8.count))) }).max() ?? 0

        var items: [(ordinal: UInt64, item: Spool.Item, advances: [Spool.Advance])] = []
        for number in numbers {
            guard let part = readPart(number, isLast: number == numbers.last, damaged: &found.damaged) else { continue }
            if let first = part.records.first?.ordinal { items.removeAll { $0.ordinal >= first } }
            var end = items.last.map { $0.ordinal + 1 } ?? 0
            for record in part.records {
                items.append((record.ordinal, record.item, record.advances))
                end = record.ordinal + 1
            }
            found.state.parts.append(
                Spool.Part(number: number, identity: part.identity, size: part.size, end: end))
            found.state.bytes += part.size
        }
        // Ordinals without a gap: what a damaged part has lost stands there as done.
        let first = max(done, items.first { $0.ordinal >= done }?.ordinal ?? (items.last.map { $0.ordinal + 1 } ?? done))
        found.state.base = first
        found.state.origin = first
        var latest: [ByteString: Spool.Advance] = [:]
        var order: [ByteString] = []
        for (ordinal, item, advances) in items {
            guard ordinal < found.state.end || ordinal - found.state.end <= Self.gapMax else {
                report("\(directory): records from \(ordinal) on do not belong to those before; they are left out")
                break
            }
            // Positions only of what is kept: a record that was written again elsewhere may have another source's in its place.
            for advance in advances {
                if latest.updateValue(advance, forKey: advance.source) == nil { order.append(advance.source) }
            }
            guard ordinal >= found.state.end else { continue }
            while found.state.end < ordinal {
                found.state.items.append(Spool.Item(part: 0, offset: 0, length: 0, entries: 0, isDone: true))
            }
            found.state.items.append(item)
            found.state.entries += item.entries
        }
        found.advances = order.compactMap { latest[$0] }
        found.state.cursor = first
        return found
    }

    private func openProgress(_ found: inout Found) throws(DiskError) {
        let path = DiskPath.join(directory, SpoolFormat.progressName)
        let file: any DiskFile
        do throws(DiskError) {
            file = try disk.size(of: path) == nil ? try disk.open(path, .create) : try disk.open(path, .update)
        } catch {
            // A full disk is no reason not to start: without it some is sent twice under its number.
            report("\(error); after a restart more will be sent again")
            return
        }
        let bytes = ByteArena()
        let size = try file.size()
        if size > 0 { try? file.read(min(size, 2 * SpoolFormat.slotSize), at: 0, into: bytes) }
        if let known = withExtendedLifetime(bytes, { SpoolFormat.progress(bytes.view) }) {
            found.generation = known.generation
            found.state.base = known.done
        }
        found.progress = file
    }

    // MARK: One part

    private struct Record {
        var ordinal: UInt64
        var item: Spool.Item
        var advances: [Spool.Advance]
    }

    private struct PartContents {
        var identity: SpoolIdentity
        var size: Int
        var records: [Record]
    }

    /// nil: nothing of it can be used.
    private func readPart(_ number: UInt64, isLast: Bool, damaged: inout Int) -> PartContents? {
        let path = DiskPath.join(directory, SpoolFormat.partName(number))
        do {
            let file = try disk.open(path, .read)
            defer { file.close() }
            let size = try file.size()
            let buffer = ByteArena(capacity: 1 << 16)
            try file.read(min(SpoolFormat.headSize, size), at: 0, into: buffer)
            let identity: SpoolIdentity
            do { identity = try SpoolFormat.identity(inHead: buffer.view) } catch {
                // Its first bytes were on their way when the process ended.
                if isLast, size <= SpoolFormat.headSize {
                    try disk.unlink(path)
                } else {
                    setAside(number, "\(error)", &damaged)
                }
                return nil
            }
            var contents = PartContents(identity: identity, size: size, records: [])
            var offset = SpoolFormat.headSize
            var bad: String?
            // What is wrong with the end of the file, from the end of the last whole record on.
            var torn: String?
            while offset < size {
                guard size - offset >= SpoolFormat.recordHeadSize else {
                    torn = "\(size - offset) bytes too many"
                    break
                }
                buffer.reset()
                try file.read(SpoolFormat.recordHeadSize, at: offset, into: buffer)
                var head = ByteReader(buffer.view)
                let length = Int(try head.littleEndian(UInt32.self))
                let sum = try head.littleEndian(UInt32.self)
                guard length > 0, length <= SpoolFormat.recordMax,
                    length <= size - offset - SpoolFormat.recordHeadSize
                else {
                    torn = "a record at \(offset) reaches past the end"
                    break
                }
                buffer.reset()
                try file.read(length, at: offset + SpoolFormat.recordHeadSize, into: buffer)
                let whole = SpoolFormat.recordHeadSize + length
                if CRC32C.of(buffer.view) == sum,
                    let record = try? SpoolFormat.decode(buffer.view, identity: identity, keepsBodies: false)
                {
                    contents.records.append(
                        Record(
                            ordinal: record.ordinal,
                            item: Spool.Item(part: number, offset: offset, length: whole, entries: record.entries),
                            advances: record.advances))
                } else {
                    // At the very end too: a kill leaves half a record, not a whole one that is wrong.
                    bad = "the record at \(offset) does not match its checksum"
                }
                offset += whole
            }
            if let bad { return repair(number, contents, bad, &damaged) }
            guard let torn else { return contents }
            guard isLast else { return repair(number, contents, torn, &damaged) }
            // Half a record at the very end is what a kill leaves: nobody was told that it is stored. It is cut off, because
            // next time this part is not the last one.
            report("\(path): \(size - offset) bytes at its end were not written whole and are left out")
            if let file = try? disk.open(path, .update) {
                defer { file.close() }
                if (try? file.truncate(to: offset)) != nil {
                    try? file.sync()
                    contents.size = offset
                }
            }
            return contents
        } catch {
            setAside(number, "\(error)", &damaged)
            return nil
        }
    }

    /// The damaged part is set aside, and a new one in its place holds what is good of it.
    private func repair(_ number: UInt64, _ contents: PartContents, _ why: String, _ damaged: inout Int) -> PartContents? {
        let path = DiskPath.join(directory, SpoolFormat.partName(number))
        var repaired = contents
        do {
            let source = try disk.open(path, .read)
            defer { source.close() }
            let target = try disk.open(path + ".tmp", .create)
            defer { target.close() }
            let buffer = SpoolFormat.head(number: number, identity: contents.identity)
            try target.write([buffer.view], at: 0)
            var offset = SpoolFormat.headSize
            for index in repaired.records.indices {
                let item = repaired.records[index].item
                buffer.reset()
                try source.read(item.length, at: item.offset, into: buffer)
                try target.write([buffer.view], at: offset)
                repaired.records[index].item.offset = offset
                offset += item.length
            }
            try target.sync()
            repaired.size = offset
            guard setAside(number, why, &damaged) else { return contents }
            try disk.rename(path + ".tmp", to: path)
            try disk.syncDirectory(directory)
            return repaired
        } catch {
            // No room for a copy: what is good is read where it is.
            try? disk.unlink(path + ".tmp")
            report("\(path) is damaged: \(why); what is good in it is still sent")
            damaged += 1
            return contents
        }
    }

    @discardableResult
    private func setAside(_ number: UInt64, _ why: String, _ damaged: inout Int) -> Bool {
        let path = DiskPath.join(directory, SpoolFormat.partName(number))
        let aside = path + SpoolFormat.damagedSuffix
        damaged += 1
        do throws(DiskError) {
            try disk.rename(path, to: aside)
            report("\(path) is damaged: \(why); it is set aside as \(aside), its lines that cannot be read are lost")
            return true
        } catch {
            report("\(path) is damaged: \(why); \(error)")
            return false
        }
    }
}
