import Bytes

/// Promtail's `json` stage: values of a JSON object into the extracted map.
///
/// The line is scanned once into a tape of tokens, which is also the check that it is JSON; plain keys are then found
/// in one pass over the tape's top level, whatever their number. Values without escapes are not copied.
package final class JSONExtraction: Sendable {
    package enum Outcome: Sendable {
        case extracted
        /// Not an object, or not JSON: nothing was extracted.
        case malformed
        /// The source is not in the map.
        case noSource
    }

    /// A wanted key of the top level: where its name stands in `names`.
    private struct Plain: Sendable {
        var start: Int
        var count: Int
        var slot: Int
    }

    private struct Deep: Sendable {
        var steps: [JMESPath.Step]
        var slot: Int
    }

    private let plain: [Plain]
    private let names: OwnedBytes
    private let deep: [Deep]
    /// Bit n: a wanted plain key has a length of n modulo 64.
    private let lengths: UInt64
    private let source: Int?

    package init(_ targets: [(path: JMESPath, slot: Int)], source: Int?) {
        self.source = source
        var plain: [Plain] = []
        var deep: [Deep] = []
        var lengths: UInt64 = 0
        let names = ByteArena()
        for target in targets {
            if let key = target.path.plainKey {
                plain.append(Plain(start: names.count, count: key.count, slot: target.slot))
                names.append(key)
                lengths |= 1 << UInt64(key.count & 63)
            } else {
                deep.append(Deep(steps: target.path.steps, slot: target.slot))
            }
        }
        self.plain = plain
        self.deep = deep
        self.lengths = lengths
        self.names = names.take()
    }

    package func run(_ state: inout EntryState, _ cursor: inout JSONCursor) -> Outcome {
        guard let origin = state.source(source) else { return .noSource }
        let text = state.stableView(origin)
        do throws(JSONCursor.Failure) { try cursor.scan(text) } catch { return .malformed }
        guard cursor.count > 0 else { return .malformed }
        let top = cursor[0].type
        guard top == .object || top == .null else { return .malformed }
        // What is not found is there all the same, as null.
        for target in plain { state.slots[target.slot] = .null }
        for target in deep { state.slots[target.slot] = .null }
        guard top == .object else { return .extracted }

        let names = self.names.view
        let count = cursor.count
        var i = 1
        while i < count {
            let key = cursor[i]
            let length = key.end &- key.start
            if key.isEscaped {
                matchEscaped(key, i + 1, text, origin, cursor, &state)
            } else if lengths >> UInt64(length & 63) & 1 == 1 {
                let name = text[key.start..<key.end]
                for target in plain where target.count == length {
                    if names[target.start..<target.start + length] == name {
                        state.slots[target.slot] = Self.value(cursor[i + 1], i + 1, text, origin, cursor, state)
                    }
                }
            }
            i = cursor[i + 1].next
        }
        for target in deep {
            guard let at = Self.find(target.steps, text, cursor) else { continue }
            state.slots[target.slot] = Self.value(cursor[at], at, text, origin, cursor, state)
        }
        return .extracted
    }

    /// A key with escapes in it is rare: decode it and look again.
    @inline(never)
    private func matchEscaped(
        _ key: JSONCursor.Token, _ at: Int, _ text: ByteView, _ origin: TextRef, _ cursor: JSONCursor,
        _ state: inout EntryState
    ) {
        for target in plain
        where Self.names(key, ByteString(names.view[target.start..<target.start + target.count]), text) {
            state.slots[target.slot] = Self.value(cursor[at], at, text, origin, cursor, state)
        }
    }

    private static func names(_ token: JSONCursor.Token, _ key: ByteString, _ text: ByteView) -> Bool {
        let raw = text[token.start..<token.end]
        guard token.isEscaped else { return key == raw }
        let out = ByteArena(capacity: max(raw.count, 64))
        return withExtendedLifetime(out) { JSONText.unescape(raw, into: out) && key == out.view }
    }

    /// Index of the token that a path leads to. Of keys that occur twice the last one counts, on every level.
    private static func find(_ steps: [JMESPath.Step], _ text: ByteView, _ cursor: JSONCursor) -> Int? {
        var at = 0
        for step in steps {
            let container = cursor[at]
            var found: Int?
            switch step {
            case .key(let key):
                guard container.type == .object else { return nil }
                var i = at + 1
                while i < container.next {
                    if names(cursor[i], key, text) { found = i + 1 }
                    i = cursor[i + 1].next
                }
            case .index(let wanted):
                guard container.type == .array else { return nil }
                var elements: [Int] = []
                var i = at + 1
                while i < container.next {
                    elements.append(i)
                    i = cursor[i].next
                }
                let index = wanted < 0 ? wanted + elements.count : wanted
                if elements.indices.contains(index) { found = elements[index] }
            }
            guard let found else { return nil }
            at = found
        }
        return at
    }

    /// A token as a value of the map; what cannot point into `text` goes to `scratch`.
    @inline(__always)
    private static func value(
        _ token: JSONCursor.Token, _ at: Int, _ text: ByteView, _ origin: TextRef, _ cursor: borrowing JSONCursor,
        _ state: borrowing EntryState
    ) -> ExtractedValue {
        switch token.type {
        case .null: return .null
        case .true, .false: return ExtractedValue(.boolean, origin.part(token.start..<token.end))
        case .number:
            if GoJSON.isCanonical(text[token.start..<token.end]) {
                return ExtractedValue(.number, origin.part(token.start..<token.end))
            }
        case .string:
            if !token.isEscaped, token.isASCII || text[token.start..<token.end].isUTF8 {
                return ExtractedValue(.text, origin.part(token.start..<token.end))
            }
        case .object, .array: break
        }
        return converted(token, at, text, cursor, state)
    }

    @inline(never)
    private static func converted(
        _ token: JSONCursor.Token, _ at: Int, _ text: ByteView, _ cursor: borrowing JSONCursor,
        _ state: borrowing EntryState
    ) -> ExtractedValue {
        let start = state.scratch.count
        switch token.type {
        case .number:
            GoJSON.appendDecimal(text[token.start..<token.end], into: state.scratch)
            return ExtractedValue(.number, state.stored(since: start))
        case .string:
            GoJSON.appendDecoded(text[token.start..<token.end], escaped: token.isEscaped, into: state.scratch)
            return ExtractedValue(.text, state.stored(since: start))
        default:
            GoJSON.appendCompact(at, text, copy cursor, into: state.scratch)
            return ExtractedValue(.text, state.stored(since: start))
        }
    }
}
