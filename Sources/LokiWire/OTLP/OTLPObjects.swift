import Bytes

/// Walks through the members of a JSON object, or the items of an array; what is wrong refuses the whole request.
///
/// Every value is passed over before it is read, so nesting costs a scan a level: that many levels a request of OTLP
/// has before its records, and attributes are flat.
struct Objects {
    private var pull: JSONPull
    /// Whether a member was read and a comma or the end must follow.
    private var isInside = false
    private var isOver = false

    init(_ text: ByteView) { pull = JSONPull(text) }

    private func refusal(_ fault: JSONFault) -> PushError {
        PushError(.malformed, "unmarshal of the OTLP logs request failed: \(fault.text) (at byte \(pull.at))")
    }

    /// Enters the object; `null` counts as an empty one.
    mutating func begin() throws(PushError) {
        do throws(JSONFault) {
            if try pull.peek() == 0x6E {
                try pull.skipValue()
                isOver = true
            } else {
                try pull.expect(0x7B, or: .object)
            }
        } catch {
            throw refusal(error)
        }
    }

    /// The next key; its value must be read, or skipped, before the next call. nil at the end of the object.
    mutating func key() throws(PushError) -> RawString? {
        if isOver { return nil }
        do throws(JSONFault) {
            if isInside {
                isOver = try !pull.more(until: 0x7D, or: .object)
            } else if try pull.peek() == 0x7D {
                pull.at += 1
                isOver = true
            }
            isInside = true
            return isOver ? nil : try pull.key()
        } catch {
            throw refusal(error)
        }
    }

    /// Nothing but space may stand behind the object.
    mutating func finish() throws(PushError) {
        pull.skipSpace()
        guard pull.at == pull.text.count else {
            throw PushError(.malformed, "unmarshal of the OTLP logs request failed: bytes behind the end of the object")
        }
    }

    /// The value as it stands.
    @discardableResult
    mutating func value() throws(PushError) -> ByteView {
        do throws(JSONFault) { return try pull.skipValue() } catch { throw refusal(error) }
    }

    mutating func skip() throws(PushError) { try value() }

    mutating func isNull() throws(PushError) -> Bool {
        do throws(JSONFault) { return try pull.peek() == 0x6E } catch { throw refusal(error) }
    }

    /// The items of the array that is the next value; `null` has none.
    mutating func eachItem(_ body: (ByteView) throws(PushError) -> Void) throws(PushError) {
        if try isNull() {
            try skip()
            return
        }
        var more: Bool
        do throws(JSONFault) { more = try pull.enter(0x5B, 0x5D, or: .array) } catch { throw refusal(error) }
        while more {
            try body(try value())
            do throws(JSONFault) { more = try pull.more(until: 0x5D, or: .array) } catch { throw refusal(error) }
        }
    }

    // MARK: Single values

    /// A text; `null` is empty. `scratch` has room for it.
    mutating func text(_ scratch: ByteArena) throws(PushError) -> ByteView {
        if try isNull() {
            try skip()
            return ByteView()
        }
        do throws(JSONFault) { return try pull.string().view(scratch: scratch) } catch { throw refusal(error) }
    }

    /// A scalar without its quotes, if it has some.
    private mutating func scalar() throws(PushError) -> ByteView {
        let raw = try value()
        guard raw.count >= 2, raw.first == 0x22 else { return raw }
        return raw[1..<raw.count - 1]
    }

    /// A whole number, in quotes or not, of up to 64 bits with or without a sign; `null` is 0.
    mutating func integer() throws(PushError) -> Int128 {
        let text = try scalar()
        if text.isEmpty || text == ByteView("null") { return 0 }
        let negative = text.first == 0x2D
        let digits = negative ? text.suffix(from: 1) : text
        guard (1...20).contains(digits.count), digits.allSatisfy(\.isDigit) else {
            // Writers that know floating point only.
            if let value = Double(text.string), value.isFinite, value.magnitude < 1.9e19 { return Int128(value) }
            throw refusal(.value)
        }
        var value: Int128 = 0
        for i in digits.indices { value = value * 10 + Int128(digits[i] - 0x30) }
        return negative ? -value : value
    }

    /// A number, or one of JSON's missing ones as a text.
    mutating func double() throws(PushError) -> Double {
        let text = try scalar()
        switch text.string {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        case let words:
            guard let value = Double(words) else { throw refusal(.value) }
            return value
        }
    }

    /// `9`, or `"SEVERITY_NUMBER_INFO"`, `"SEVERITY_NUMBER_INFO2"`; a name that is none counts as not given.
    mutating func severity() throws(PushError) -> Int32 {
        do throws(JSONFault) {
            guard try pull.peek() == 0x22 else { return Int32(clamping: try integerOrFault()) }
        } catch {
            throw refusal(error)
        }
        let name = try scalar().string
        if let number = Int32(name) { return number }
        guard name.hasPrefix("SEVERITY_NUMBER_") else { return 0 }
        let rest = name.dropFirst("SEVERITY_NUMBER_".count)
        for (i, word) in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].enumerated() where rest.hasPrefix(word) {
            guard let step = rest.count == word.count ? 1 : Int32(rest.dropFirst(word.count)), (1...4).contains(step) else { return 0 }
            return Int32(i) * 4 + step
        }
        return 0
    }

    private mutating func integerOrFault() throws(JSONFault) -> Int128 {
        do throws(PushError) { return try integer() } catch { throw .value }
    }

    mutating func base64(_ scratch: ByteArena) throws(PushError) -> ByteView {
        let text = try text(scratch)
        let start = scratch.count
        guard Base64.decode(text, into: scratch) else { throw refusal(.string) }
        return scratch[start..<scratch.count]
    }

    /// Bytes in hexadecimal, or in base64 where the length says so; nothing, or exactly `size` of them.
    mutating func identity(_ scratch: ByteArena, size: Int, _ name: String) throws(PushError) -> ByteView {
        let text = try scalar()
        if text.isEmpty || text == ByteView("null") { return ByteView() }
        let start = scratch.count
        let good = text.count == size * 2 ? Hex.decode(text, into: scratch) : Base64.decode(text, into: scratch)
        guard good, scratch.count - start == size else {
            scratch.truncate(to: start)
            throw PushError(.malformed, "invalid length for \(name)")
        }
        return scratch[start..<scratch.count]
    }
}

extension RawString {
    /// Whether it is a field's name in either of its two spellings.
    func isOne(_ camel: StaticString, _ snake: StaticString) -> Bool { equals(camel) || equals(snake) }
}
