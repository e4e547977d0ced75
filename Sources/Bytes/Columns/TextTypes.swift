import CKernels

/// Values that differ in their numbers only: types and, for each slot of each type, a column of numbers.
package final class TextSplitter {
    private let raw: OpaquePointer

    package init() {
        guard let raw = tr_text_new() else { fatalOutOfMemory(64) }
        self.raw = raw
    }

    deinit { tr_text_free(raw) }

    /// The type of each value; nil when there are too many types for it to be worth it.
    package func split(_ values: ValueList, typesMax: Int) -> [UInt32]? {
        var fits = false
        let types = [UInt32](unsafeUninitializedCapacity: values.count) { room, filled in
            guard let start = room.baseAddress, values.count > 0 else { return }
            fits = tr_text_split(raw, values.base, values.spans, values.count, typesMax, start) != 0
            filled = fits ? values.count : 0
        }
        return fits ? types : nil
    }

    package var typeCount: Int { tr_text_types(raw) }

    /// The spelling of a type, and how many numbers it holds. Valid until the next `split`.
    package func type(_ number: Int) -> (spelling: ByteView, slots: Int) {
        precondition(number >= 0 && number < typeCount)
        var length = 0
        var slots = 0
        let start = tr_text_type(raw, number, &length, &slots)
        return (ByteView(unsafe: UnsafeRawPointer(start), count: length), slots)
    }

    package func numbers(type: Int, slot: Int) -> [Int64] {
        var count = 0
        guard let start = tr_text_numbers(raw, type, slot, &count) else { return [] }
        return [Int64](UnsafeBufferPointer(start: start, count: count))
    }
}

/// Puts such values together again.
package struct TextJoiner {
    /// Spellings of the types.
    package var types: ValueBuffer
    /// Numbers of all slots, type after type.
    package var slots: [[Int64]]
    /// Where the slots of a type begin; one more than types.
    package var firstSlot: [UInt32]

    package init(types: ValueBuffer, slots: [[Int64]], firstSlot: [UInt32]) {
        self.types = types
        self.slots = slots
        self.firstSlot = firstSlot
    }

    /// How many numbers a spelling holds; nil when it is not one.
    package static func slots(in spelling: ByteView) -> Int? {
        var count = 0
        var at = 0
        while at < spelling.count {
            switch spelling[at] {
            case 1: count += 1
            case 2, 3:
                if spelling[at] == 2 { count += 1 }
                at += 1
                if at == spelling.count { return nil }
            default: break
            }
            at += 1
        }
        return count
    }

    /// Appends a value of a type: that whose numbers are all zeros.
    package static func exemplar(of spelling: ByteView, into out: ByteArena) {
        var at = 0
        while at < spelling.count {
            switch spelling[at] {
            case 1: out.append(0x30 as UInt8)
            case 2 where at + 1 < spelling.count:
                at += 1
                for _ in 0..<max(1, Int(spelling[at]) - 0x20) { out.append(0x30 as UInt8) }
            case 3 where at + 1 < spelling.count:
                at += 1
                out.append(spelling[at])
            default: out.append(spelling[at])
            }
            at += 1
        }
    }

    /// Whether a needle without digits, and without the marks of numbers, stands in what all values of a type share.
    package static func literals(of spelling: ByteView, contain needle: ByteView) -> Bool {
        var from = 0
        var at = 0
        // Escaped bytes are below any byte of the needle, so they end a stretch like numbers do.
        while at < spelling.count {
            guard spelling[at] >= 1, spelling[at] <= 3 else {
                at += 1
                continue
            }
            if spelling[from..<at].contains(needle) { return true }
            at = min(spelling.count, at + (spelling[at] == 1 ? 1 : 2))
            from = at
        }
        return spelling[from..<spelling.count].contains(needle)
    }

    /// Whether a value of a type may hold a needle, whatever its numbers are.
    package struct Search {
        /// Bit j of a byte's word: the needle has it at j.
        private var places = [UInt64](repeating: 0, count: 256)
        private let digits: UInt64
        private let end: UInt64

        /// nil where the needle is too long to say.
        package init?(_ needle: ByteView) {
            guard (1...63).contains(needle.count) else { return nil }
            for j in 0..<needle.count { places[Int(needle[j])] |= 1 << UInt64(j) }
            var digits: UInt64 = 0
            for byte in [0x2D] + Array(0x30...0x39) { digits |= places[byte] }
            self.digits = digits
            end = 1 << UInt64(needle.count)
        }

        /// Bit-parallel (Baeza-Yates, Gonnet 1992): a state for each beginning of the needle that the text so far may
        /// end with. A number is any digits. O(spelling + numbers × needle).
        package func mayHold(_ spelling: ByteView) -> Bool {
            var states: UInt64 = 1
            var at = 0
            while at < spelling.count {
                var byte = spelling[at]
                at += 1
                if byte == 1 || byte == 2 {
                    if byte == 2 { at += 1 }
                    var inside: UInt64 = 0
                    while true {
                        let next = inside | ((states | inside | 1) & digits) << 1
                        if next == inside { break }
                        inside = next
                    }
                    states = inside | 1
                } else {
                    if byte == 3, at < spelling.count {
                        byte = spelling[at]
                        at += 1
                    }
                    states = (states & places[Int(byte)]) << 1 | 1
                }
                if states & end != 0 { return true }
            }
            return false
        }
    }

    /// The values of some types. `before`: how many values of each type come before them.
    package func join(_ codes: ArraySlice<UInt32>, before: [UInt32]) throws(DecodeError) -> ValueBuffer {
        precondition(before.count == types.count && firstSlot.count == types.count + 1)
        let list = types.list
        var room = 64
        for code in codes {
            guard Int(code) < list.count else { throw DecodeError("a type outside its table") }
            // Each number takes at least one byte of the spelling and at most 20 of the text.
            let slots = Int(firstSlot[Int(code) + 1] - firstSlot[Int(code)])
            room += list[Int(code)].count + slots * 20
        }
        guard room <= 1 << 31 else { throw DecodeError("a column of \(room) bytes is over the limit") }
        let result = ValueBuffer(capacity: 64, values: codes.count)
        var next = before
        let written = Self.withSlots(slots) { table in
            codes.withUnsafeBufferPointer { codes in
                next.withUnsafeMutableBufferPointer { next in
                    result.fill(values: codes.count, room: room) { out, spans in
                        guard let start = codes.baseAddress, let counts = next.baseAddress else { return 0 }
                        return Int(
                            tr_text_join(
                                start,
                                codes.count,
                                list.base,
                                list.spans,
                                list.count,
                                table.baseAddress.unsafelyUnwrapped,
                                firstSlot,
                                slots.count,
                                counts,
                                out,
                                room,
                                spans
                            )
                        )
                    }
                }
            }
        }
        guard written >= 0 else { throw DecodeError("a column of text is damaged") }
        return result
    }

    /// The kernel's table of slots; the arrays live as long as the body runs.
    private static func withSlots<R>(_ slots: [[Int64]], _ body: (UnsafeBufferPointer<tr_slot>) -> R) -> R {
        let flat = slots.flatMap { $0 }
        return flat.withUnsafeBufferPointer { numbers in
            var table: [tr_slot] = []
            table.reserveCapacity(slots.count + 1)
            var at = 0
            for slot in slots {
                table.append(tr_slot(numbers: numbers.baseAddress.map { $0 + at }, count: slot.count))
                at += slot.count
            }
            if table.isEmpty { table.append(tr_slot(numbers: nil, count: 0)) }
            return table.withUnsafeBufferPointer(body)
        }
    }
}
