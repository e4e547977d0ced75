import Bytes

/// A text with its escapes resolved, and the way back to the offsets it came from.
///
/// Escapes of JSON, of Python's and nginx's `\xHH` and of URLs (`%HH`) are resolved in one pass; a backslash that
/// begins none of them stays what it is. So the same decoder serves JSON strings, logfmt, reprs and text that holds
/// JSON, level by level. A terminal's colour (`ESC [ 33 m`) stands for a space: the letter at its end is no part of the
/// word behind it.
final class DecodedText {
    private struct Step {
        var start: Int
        var end: Int
        var rawStart: Int
        var rawEnd: Int
    }

    private let bytes = ByteArena(capacity: 1024)
    /// One for each escape, ascending. Between steps both texts run side by side.
    private var steps: [Step] = []

    /// Valid until the next `decode`.
    var view: ByteView { bytes.view }

    /// Decodes `raw`; false, and no text, when it holds no escape. `isJSON`: only what JSON calls an escape. O(n).
    func decode(_ raw: ByteView, isJSON: Bool = false) -> Bool {
        bytes.reset()
        steps.removeAll(keepingCapacity: true)
        let backslash = UInt8(ascii: "\\")
        var copied = 0
        var nextBackslash = raw.firstIndex(of: backslash) ?? raw.count
        var nextPercent = isJSON ? raw.count : raw.firstIndex(of: UInt8(ascii: "%")) ?? raw.count
        var nextEscape = isJSON ? raw.count : raw.firstIndex(of: Self.escapeByte) ?? raw.count
        while true {
            let at = min(nextBackslash, nextPercent, nextEscape)
            guard at < raw.count else { break }
            bytes.append(raw[copied..<at])
            let start = bytes.count
            let length =
                at == nextBackslash ? escape(raw, at) : at == nextPercent ? percent(raw, at) : control(raw, at)
            if length > 0 {
                steps.append(Step(start: start, end: bytes.count, rawStart: at, rawEnd: at + length))
                copied = at + length
            } else {
                copied = at
            }
            let resume = at + max(1, length)
            if nextBackslash < resume { nextBackslash = raw.firstIndex(of: backslash, from: resume) ?? raw.count }
            if nextEscape < resume { nextEscape = raw.firstIndex(of: Self.escapeByte, from: resume) ?? raw.count }
            if nextPercent < resume { nextPercent = raw.firstIndex(of: UInt8(ascii: "%"), from: resume) ?? raw.count }
        }
        guard !steps.isEmpty else {
            bytes.reset()
            return false
        }
        bytes.append(raw[copied..<raw.count])
        return true
    }

    /// The raw offset of a decoded offset. Inside what one escape stands for: where the escape begins, or with
    /// `roundingUp` where it ends. O(log escapes).
    func raw(_ offset: Int, roundingUp: Bool = false) -> Int {
        var low = 0
        var high = steps.count
        while low < high {
            let middle = (low + high) / 2
            if steps[middle].start <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return offset }
        let step = steps[low - 1]
        if offset >= step.end { return step.rawEnd + (offset - step.end) }
        return roundingUp && offset > step.start ? step.rawEnd : step.rawStart
    }

    /// Gives memory back after a giant line.
    func trim() {
        if bytes.footprint > 1 << 20 { _ = bytes.take() }
        if steps.capacity > 1 << 15 { steps = [] }
    }

    /// Appends what the escape at `at` stands for and returns its length, or 0 when it is none.
    private func escape(_ raw: ByteView, _ at: Int) -> Int {
        switch raw.at(at + 1) {
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(raw.at(at + 1))
        case UInt8(ascii: "x"):
            // Bytes of other scripts, and of blanks that do not break, too.
            guard let value = DecodedText.hex(raw, at + 2, 2) else { return 0 }
            bytes.append(UInt8(value))
            return 4
        case UInt8(ascii: "u"):
            guard let value = DecodedText.hex(raw, at + 2, 4) else { return 0 }
            if value < 0x80 {
                bytes.append(UInt8(value))
            } else if value < 0x800 {
                bytes.append(UInt8(0xC0 | value >> 6))
                bytes.append(UInt8(0x80 | value & 0x3F))
            } else {
                // A half of a surrogate pair stands for U+FFFD here: detectors only need to see "no ASCII".
                let scalar = (0xD800...0xDFFF).contains(value) ? 0xFFFD : value
                bytes.append(UInt8(0xE0 | scalar >> 12))
                bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
                bytes.append(UInt8(0x80 | scalar & 0x3F))
            }
            return 6
        default: return 0
        }
        return 2
    }

    private static let escapeByte: UInt8 = 0x1B

    /// Colours and styles only: `ESC [`, numbers of at most three digits, `m`. What ECMA-48 allows beyond that could
    /// begin a secret: `ESC [ "NL13…` is a sequence that ends with the N.
    private func control(_ raw: ByteView, _ at: Int) -> Int {
        guard raw.at(at + 1) == UInt8(ascii: "[") else { return 0 }
        var end = at + 2
        var digits = 0
        while digits <= 3, raw.at(end).isDigit || raw.at(end) == UInt8(ascii: ";") {
            digits = raw.at(end).isDigit ? digits + 1 : 0
            end += 1
        }
        guard digits <= 3, raw.at(end) == UInt8(ascii: "m") else { return 0 }
        bytes.append(0x20)
        return end + 1 - at
    }

    private func percent(_ raw: ByteView, _ at: Int) -> Int {
        guard let value = DecodedText.hex(raw, at + 1, 2), (0x20..<0x7F).contains(value) || value >= 0x80 else { return 0 }
        bytes.append(UInt8(value))
        return 3
    }

    private static func hex(_ raw: ByteView, _ start: Int, _ digits: Int) -> Int? {
        var value = 0
        for i in start..<start + digits {
            let byte = raw.at(i)
            guard byte.isHexDigit else { return nil }
            value = value << 4 | Int(byte.isDigit ? byte - 0x30 : byte.lowercased - 0x57)
        }
        return value
    }
}
