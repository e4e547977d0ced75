import Bytes
import Glibc
import LogModel
import Synchronization

/// One zone of the IANA database, read from a TZif file (RFC 8536). Immutable.
package final class TimeZoneTable: Sendable {
    /// A stretch during which offset and abbreviation stay the same: `start..<end`, seconds since 1970.
    package struct Span: Sendable, Equatable {
        package var start: Int64
        package var end: Int64
        /// Seconds east of Greenwich.
        package var offset: Int
        package var name: String
    }

    private struct Kind: Sendable {
        var offset: Int
        var isDaylight: Bool
        var name: String
    }

    private let kinds: [Kind]
    private let transitions: [Int64]
    private let kindOf: [UInt8]
    /// Rule for moments behind the last transition.
    private let rule: PosixZoneRule?

    // MARK: Looking up

    package func span(at unixSeconds: Int64) -> Span {
        guard let first = transitions.first, unixSeconds >= first else {
            let kind = kinds[beforeFirst]
            return Span(
                start: .min, end: transitions.first ?? .max, offset: kind.offset, name: kind.name)
        }
        var low = 0
        var high = transitions.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if unixSeconds < transitions[middle] { high = middle } else { low = middle }
        }
        if low == transitions.count - 1, let rule {
            return rule.span(at: unixSeconds, from: transitions[low])
        }
        let kind = kinds[Int(kindOf[low])]
        return Span(
            start: transitions[low], end: low + 1 < transitions.count ? transitions[low + 1] : .max,
            offset: kind.offset, name: kind.name)
    }

    /// The kind before all transitions: the first that is not daylight saving time.
    private var beforeFirst: Int {
        if let first = kindOf.first, kinds[Int(first)].isDaylight {
            var i = Int(first)
            while i > 0 {
                i -= 1
                if !kinds[i].isDaylight { return i }
            }
        }
        return kinds.firstIndex { !$0.isDaylight } ?? 0
    }

    func unixSeconds(clock: Int64) -> Int64 {
        let guess = span(at: clock)
        if guess.offset == 0 { return clock }
        let moment = clock &- Int64(guess.offset)
        if moment >= guess.start && moment < guess.end { return moment }
        return clock &- Int64(span(at: moment).offset)
    }

    /// Offset that an abbreviation has in this zone, preferring the one in use at `unixSeconds`.
    func offset(ofName name: String, at unixSeconds: Int64) -> Int? {
        for kind in kinds where kind.name == name {
            if span(at: unixSeconds &- Int64(kind.offset)).name == name { return kind.offset }
        }
        return kinds.first { $0.name == name }?.offset
    }

    // MARK: Reading

    private static let cache = Mutex<[String: TimeZoneTable]>([:])
    private static let directories = ["/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/", "/usr/lib/locale/TZ/", "/etc/zoneinfo/"]
    /// The largest real file has 4 KiB.
    private static let sizeMax = 1 << 20

    /// A zone by name, read once in the life of the process.
    package static func named(_ name: String) -> TimeZoneTable? {
        guard isSafe(name) else { return nil }
        if let known = cache.withLock({ $0[name] }) { return known }
        for directory in directories {
            guard let table = read(directory + name) else { continue }
            return cache.withLock { cache in
                cache[name] = table
                return table
            }
        }
        return nil
    }

    /// The zone of this machine: TZ, else /etc/localtime; nil means UTC.
    static func local() -> TimeZoneTable? {
        guard let variable = getenv("TZ") else { return read("/etc/localtime") }
        var name = String(cString: variable)
        if name.hasPrefix(":") { name.removeFirst() }
        if name.isEmpty || name == "UTC" { return nil }
        return name.hasPrefix("/") ? read(name) : named(name)
    }

    /// Names come from configuration and queries: they must not lead out of the directory.
    private static func isSafe(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count < 200 && !name.hasPrefix("/") && !name.hasPrefix("\\")
            && !name.utf8.contains(0)
            && !name.split(separator: "/", omittingEmptySubsequences: false).contains { $0 == ".." || $0 == "." || $0.isEmpty }
    }

    private static func read(_ path: String) -> TimeZoneTable? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let bytes = ByteArena(capacity: 4096)
        while bytes.count < sizeMax {
            var failed = false
            let before = bytes.count
            bytes.appendUnsafe(capacity: 4096) { room in
                while true {
                    let n = Glibc.read(file, room.baseAddress, room.count)
                    if n < 0 && errno == EINTR { continue }
                    failed = n < 0
                    return max(0, n)
                }
            }
            if failed { return nil }
            if bytes.count == before { return try? TimeZoneTable(file: bytes.view) }
        }
        return nil
    }

    /// Reads the contents of a TZif file of any version.
    package init(file: ByteView) throws(DecodeError) {
        var reader = ByteReader(file)
        var header = try Header(&reader)
        var wide = false
        if header.version >= 0x32 {
            // The first block holds 32-bit times for old readers: pass over it.
            _ = try reader.bytes(header.length(timeSize: 4))
            header = try Header(&reader)
            wide = true
        }
        var transitions: [Int64] = []
        for _ in 0..<header.times {
            let time = wide ? Int64(bitPattern: try reader.bigEndian64()) : Int64(Int32(bitPattern: try reader.bigEndian32()))
            if let last = transitions.last, time <= last { throw DecodeError("transitions out of order", at: reader.offset) }
            transitions.append(time)
        }
        let kindOf = try reader.bytes(header.times).copy()
        var raw: [(offset: Int32, isDaylight: Bool, name: Int)] = []
        for _ in 0..<header.kinds {
            let offset = Int32(bitPattern: try reader.bigEndian32())
            raw.append((offset, try reader.byte() != 0, Int(try reader.byte())))
        }
        let names = try reader.bytes(header.names)
        _ = try reader.bytes(header.leaps * (wide ? 12 : 8) + header.standards + header.universals)
        var kinds: [Kind] = []
        for one in raw {
            guard one.name < names.count, abs(Int64(one.offset)) < 200_000 else {
                throw DecodeError("zone kind out of bounds", at: reader.offset)
            }
            let end = names.firstIndex(of: 0, from: one.name) ?? names.count
            kinds.append(
                Kind(offset: Int(one.offset), isDaylight: one.isDaylight, name: names[one.name..<end].string))
        }
        guard !kinds.isEmpty, kindOf.allSatisfy({ Int($0) < kinds.count }) else {
            throw DecodeError("zone without kinds", at: reader.offset)
        }
        self.kinds = kinds
        self.transitions = transitions
        self.kindOf = kindOf
        var rule: PosixZoneRule?
        if wide, reader.remaining > 2 {
            let footer = try reader.bytes(reader.remaining).trimmed
            rule = PosixZoneRule(footer.string)
        }
        self.rule = rule
    }

    private struct Header {
        var version: UInt8
        var universals, standards, leaps, times, kinds, names: Int

        init(_ reader: inout ByteReader) throws(DecodeError) {
            guard try reader.bytes(4).hasPrefix("TZif") else { throw DecodeError("not a TZif file") }
            version = try reader.byte()
            _ = try reader.bytes(15)
            universals = try reader.size()
            standards = try reader.size()
            leaps = try reader.size()
            times = try reader.size()
            kinds = try reader.size()
            names = try reader.size()
        }

        func length(timeSize: Int) -> Int {
            times * (timeSize + 1) + kinds * 6 + names + leaps * (timeSize + 4) + standards + universals
        }
    }
}

extension ByteReader {
    fileprivate mutating func bigEndian32() throws(DecodeError) -> UInt32 {
        try littleEndian(UInt32.self).byteSwapped
    }

    fileprivate mutating func bigEndian64() throws(DecodeError) -> UInt64 {
        try littleEndian(UInt64.self).byteSwapped
    }

    /// A count of things that take at least a byte each.
    fileprivate mutating func size() throws(DecodeError) -> Int {
        let value = Int(try bigEndian32())
        guard value <= view.count else { throw DecodeError("count \(value) reaches past the end", at: offset) }
        return value
    }
}
