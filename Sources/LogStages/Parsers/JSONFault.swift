import Bytes

/// What is wrong with a line that should be JSON, in the words of buger/jsonparser, which Loki shows to users.
enum JSONFault: Error, Sendable {
    case malformed, object, array, string, value, unknownType, escape, notPacked

    var text: StaticString {
        switch self {
        case .malformed: "Malformed JSON error"
        case .object: "Value looks like object, but can't find closing '}' symbol"
        case .array: "Value is array, but can't find closing ']' symbol"
        case .string: "Value is string, but can't find closing '\"' symbol"
        case .value: "Value looks like Number/Boolean/None, but can't find its end: ',' or '}' symbol"
        case .unknownType: "Unknown value type"
        case .escape: "Encountered an invalid escape sequence in a string"
        case .notPacked: "expecting json object(6), but it is not"
        }
    }
}

/// Strings of JSON as labels show them.
enum JSONValueText {
    /// Appends what the inside of a JSON string stands for. False, and nothing appended, for a bad escape, or for half
    /// a surrogate pair.
    static func unescape(_ raw: ByteView, into out: ByteArena) -> Bool {
        !hasLoneSurrogate(raw) && JSONText.unescape(raw, into: out)
    }

    /// The value of a string that stands inside quotes in the current line: a slice of the line where it can be, else a
    /// decoded copy. A string with a bad escape is empty. U+FFFD and what is not UTF-8 become spaces.
    static func piece(_ range: Range<Int>, isEscaped: Bool, isASCII: Bool, _ state: inout LineState) -> LineState.Piece
    {
        let raw = state.line[range]
        if !isEscaped, isASCII || LabelValueText.isClean(raw) { return state.linePiece(range) }
        state.scratch.reset()
        if isEscaped {
            guard unescape(raw, into: state.scratch) else {
                return state.linePiece(range.lowerBound..<range.lowerBound)
            }
            // Not through `nameBuffer`: that holds the keys around this value.
            return LabelValueText.isClean(state.scratch.view)
                ? state.store(state.scratch.view) : state.store(cleaned: state.scratch.view)
        }
        LabelValueText.appendCleaned(raw, to: state.scratch)
        return state.store(state.scratch.view)
    }

    private static func hasLoneSurrogate(_ raw: ByteView) -> Bool {
        var i = 0
        while let slash = raw.firstIndex(of: 0x5C, from: i) {
            guard slash + 1 < raw.count else { return false }
            guard raw[slash + 1] == 0x75 else {
                i = slash + 2
                continue
            }
            guard let unit = hex(raw, slash + 2) else { return false }
            i = slash + 6
            guard unit >= 0xD800, unit <= 0xDFFF else { continue }
            guard unit < 0xDC00, i + 5 < raw.count, raw[i] == 0x5C, raw[i + 1] == 0x75, let low = hex(raw, i + 2),
                low >= 0xDC00, low <= 0xDFFF
            else { return true }
            i += 6
        }
        return false
    }

    private static func hex(_ raw: ByteView, _ at: Int) -> UInt32? {
        guard at + 4 <= raw.count else { return nil }
        var value: UInt32 = 0
        for i in at..<at + 4 {
            let c = raw[i].lowercased
            guard c.isHexDigit else { return nil }
            value = value << 4 | UInt32(c < 0x3A ? c - 0x30 : c - 0x57)
        }
        return value
    }
}
