import Bytes
import LogModel

/// A value of OTLP (`AnyValue`), its texts as views on the request.
enum OTLPValue {
    case none
    case text(ByteView)
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case bytes(ByteView)
    case array([OTLPValue])
    case map([OTLPPair])

    /// Nesting beyond which a request is refused. Chosen: no instrumentation nests a dozen levels, and every level
    /// costs stack.
    static let depthMax = 64
    /// Values inside one record, resource or scope, nested ones included: an empty value takes 2 bytes on the wire and
    /// 40 in memory.
    static let countMax = 65_536

    /// Appends the value as a line or as the value of a label: texts as they are, bytes in base64, arrays and maps as
    /// JSON with sorted keys.
    func writeText(into out: ByteArena) {
        switch self {
        case .none: break
        case .text(let text): out.append(text)
        case .bytes(let bytes): Base64.encode(bytes, into: out)
        case .bool, .integer, .double, .array, .map: writeJSON(into: out)
        }
    }

    private func writeJSON(into out: ByteArena) {
        switch self {
        case .none: out.append("null")
        case .text(let text):
            out.append(0x22)
            JSONText.escape(text, into: out, html: true)
            out.append(0x22)
        case .bool(let value): out.append(value ? ByteView("true") : ByteView("false"))
        case .integer(let value): out.append(decimal: value)
        case .double(let value): out.append(Self.number(value))
        case .bytes(let bytes):
            out.append(0x22)
            Base64.encode(bytes, into: out)
            out.append(0x22)
        case .array(let items):
            out.append(0x5B)
            for (i, item) in items.enumerated() {
                if i > 0 { out.append(0x2C) }
                item.writeJSON(into: out)
            }
            out.append(0x5D)
        case .map(let pairs):
            out.append(0x7B)
            var isFirst = true
            // A stable order by key; of equal keys the last one counts.
            let sorted = pairs.enumerated().sorted { a, b in
                a.element.name == b.element.name ? a.offset < b.offset : a.element.name < b.element.name
            }
            for (i, item) in sorted.enumerated() {
                if i + 1 < sorted.count, sorted[i + 1].element.name == item.element.name { continue }
                if !isFirst { out.append(0x2C) }
                isFirst = false
                OTLPValue.text(item.element.name).writeJSON(into: out)
                out.append(0x3A)
                item.element.value.writeJSON(into: out)
            }
            out.append(0x7D)
        }
    }

    /// As Go's JSON encoder writes numbers: an exponent only for the very small and the very large. JSON has no NaN.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return "null" }
        let size = value.magnitude
        guard size != 0, size < 1e-6 || size >= 1e21 else { return GoFloat.text(value, .fixed) }
        // Go's exponents have two digits at least, its JSON strips the zero of the negative ones.
        let text = GoFloat.text(value, .general)
        guard let at = text.range(of: "e-0") else { return text }
        return text[..<at.lowerBound] + "e-" + text[at.upperBound...]
    }
}

extension String {
    /// Where `part` stands first.
    fileprivate func range(of part: String) -> Range<String.Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(part) { return at..<index(at, offsetBy: part.count) }
            at = index(after: at)
        }
        return nil
    }
}

/// A key and its value.
struct OTLPPair {
    var name: ByteView
    var value: OTLPValue
}

/// A log record, its texts as views on the request.
struct OTLPRecord {
    /// Nanoseconds; 0: not given.
    var time: UInt64 = 0
    var observedTime: UInt64 = 0
    /// OpenTelemetry's 1 to 24; 0: not given.
    var severityNumber: Int32 = 0
    var severityText = ByteView()
    var body = OTLPValue.none
    var attributes: [OTLPPair] = []
    var droppedAttributes: UInt32 = 0
    var flags: UInt32 = 0
    /// 16 bytes, or none.
    var traceID = ByteView()
    /// 8 bytes, or none.
    var spanID = ByteView()
    var eventName = ByteView()
}

struct OTLPScope {
    var name = ByteView()
    var version = ByteView()
    var attributes: [OTLPPair] = []
    var droppedAttributes: UInt32 = 0
}

/// RFC 4648.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Appends `bytes` with padding.
    static func encode(_ bytes: ByteView, into out: ByteArena) {
        var i = 0
        while i < bytes.count {
            let left = min(bytes.count - i, 3)
            let a = UInt32(bytes[i])
            let b = left > 1 ? UInt32(bytes[i + 1]) : 0
            let c = left > 2 ? UInt32(bytes[i + 2]) : 0
            let word = a << 16 | b << 8 | c
            out.append(alphabet[Int(word >> 18)])
            out.append(alphabet[Int(word >> 12 & 63)])
            out.append(left > 1 ? alphabet[Int(word >> 6 & 63)] : 0x3D)
            out.append(left > 2 ? alphabet[Int(word & 63)] : 0x3D)
            i += 3
        }
    }

    /// Appends what `text` stands for, padded or not, in the plain or the URL alphabet; false where it is no base64.
    static func decode(_ text: ByteView, into out: ByteArena) -> Bool {
        var length = text.count
        while length > 0, text[length - 1] == 0x3D, text.count - length < 2 { length -= 1 }
        guard length % 4 != 1 else { return false }
        var word: UInt32 = 0
        var bits = 0
        for i in 0..<length {
            guard let digit = value(text[i]) else { return false }
            word = word << 6 | digit
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return true
    }

    private static func value(_ c: UInt8) -> UInt32? {
        switch c {
        case 0x41...0x5A: UInt32(c - 0x41)
        case 0x61...0x7A: UInt32(c - 0x61) + 26
        case 0x30...0x39: UInt32(c - 0x30) + 52
        case 0x2B, 0x2D: 62
        case 0x2F, 0x5F: 63
        default: nil
        }
    }
}

/// Bytes as pairs of digits.
enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    static func encode(_ bytes: ByteView, into out: ByteArena) {
        for i in bytes.indices {
            out.append(digits[Int(bytes[i] >> 4)])
            out.append(digits[Int(bytes[i] & 15)])
        }
    }

    /// Appends what `text` stands for; false, perhaps after some bytes, where it is not hexadecimal.
    static func decode(_ text: ByteView, into out: ByteArena) -> Bool {
        guard text.count % 2 == 0 else { return false }
        var i = 0
        while i < text.count {
            guard let high = value(text[i]), let low = value(text[i + 1]) else { return false }
            out.append(high << 4 | low)
            i += 2
        }
        return true
    }

    private static func value(_ c: UInt8) -> UInt8? {
        switch c {
        case 0x30...0x39: c - 0x30
        case 0x61...0x66: c - 0x61 + 10
        case 0x41...0x46: c - 0x41 + 10
        default: nil
        }
    }
}
