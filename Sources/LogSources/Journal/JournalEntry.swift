import Bytes

/// One entry of a journal, as it passes from the helper process to the collector.
struct JournalEntry: Equatable {
    struct Field: Hashable {
        var name: ByteString
        var value: ByteString
    }

    var cursor: ByteString
    /// Microseconds since 1970.
    var realtime: UInt64
    var fields: [Field]

    /// O(fields): entries have some twenty.
    subscript(name: ByteString) -> ByteString? {
        for field in fields where field.name == name { return field.value }
        return nil
    }
}

/// A journal position: `s=<sequence id>;i=<number>;b=<boot>;m=<monotonic>;t=<realtime>;x=<hash>`, numbers in hexadecimal.
struct JournalCursor: Equatable {
    var sequence: String
    var number: UInt64
    /// Microseconds since 1970.
    var realtime: UInt64

    /// nil for anything that is not a cursor.
    init?(_ text: String) {
        var sequence: String?
        var number: UInt64?
        var realtime: UInt64?
        for part in text.split(separator: ";") {
            let value = String(part.dropFirst(2))
            switch part.prefix(2) {
            case "s=": sequence = value
            case "i=": number = UInt64(value, radix: 16)
            case "t=": realtime = UInt64(value, radix: 16)
            default: break
            }
        }
        guard let sequence, let number, let realtime else { return nil }
        self.sequence = sequence
        self.number = number
        self.realtime = realtime
    }

    /// Whether an entry at `self` is certainly behind `other`. Numbers order entries of one sequence; between sequences
    /// (another journald, another host) only time does.
    func isBehind(_ other: JournalCursor) -> Bool {
        sequence == other.sequence ? number > other.number : realtime > other.realtime
    }
}
