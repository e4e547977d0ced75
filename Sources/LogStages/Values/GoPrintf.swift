import Bytes

/// `printf` of Go's `fmt`, for the values of templates.
enum GoPrintf {
    /// Widths and precisions beyond this are refused, as in Go.
    private static let widthMax = 1_000_000

    private struct Spec {
        var minus = false
        var plus = false
        var sharp = false
        var space = false
        var zero = false
        var width: Int?
        var precision: Int?
    }

    static func format(
        _ format: ByteString,
        _ arguments: [TemplateValue]
    ) throws(TemplateFailure) -> ByteString {
        let bytes = format.bytes
        var out: [UInt8] = []
        var next = 0
        var reordered = false
        var i = 0
        while i < bytes.count {
            guard bytes[i] == 0x25 else {
                out.append(bytes[i])
                i += 1
                continue
            }
            i += 1
            var spec = Spec()
            flags: while i < bytes.count {
                switch bytes[i] {
                case 0x2D: spec.minus = true
                case 0x2B: spec.plus = true
                case 0x23: spec.sharp = true
                case 0x20: spec.space = true
                case 0x30: spec.zero = true
                default: break flags
                }
                i += 1
            }
            var badIndex = false
            argumentIndex(bytes, &i, &next, &reordered, &badIndex, arguments.count)
            if i < bytes.count, bytes[i] == 0x2A {
                i += 1
                if let value = integer(arguments, &next), abs(value) <= widthMax {
                    spec.width = abs(value)
                    if value < 0 { spec.minus = true }
                } else {
                    out += "%!(BADWIDTH)".utf8
                }
            } else {
                spec.width = number(bytes, &i)
            }
            if i < bytes.count, bytes[i] == 0x2E {
                i += 1
                argumentIndex(bytes, &i, &next, &reordered, &badIndex, arguments.count)
                if i < bytes.count, bytes[i] == 0x2A {
                    i += 1
                    if let value = integer(arguments, &next), value >= 0, value <= widthMax {
                        spec.precision = value
                    } else {
                        out += "%!(BADPREC)".utf8
                    }
                } else {
                    spec.precision = number(bytes, &i) ?? 0
                }
            }
            argumentIndex(bytes, &i, &next, &reordered, &badIndex, arguments.count)
            if spec.minus { spec.zero = false }
            guard i < bytes.count else {
                out += "%!(NOVERB)".utf8
                break
            }
            let width = UTF8Length.lead(bytes[i])
            let verb = String(decoding: bytes[i..<min(i + width, bytes.count)], as: UTF8.self)
            i += width
            if verb == "%" {
                out.append(0x25)
            } else if badIndex {
                out += "%!\(verb)(BADINDEX)".utf8
            } else if next >= arguments.count {
                out += "%!\(verb)(MISSING)".utf8
            } else {
                append(arguments[next], verb, spec, &out)
                next += 1
            }
            if out.count > GoStrings.lengthMax {
                throw TemplateFailure("result exceeds \(GoStrings.lengthMax) bytes")
            }
        }
        if !reordered, next < arguments.count {
            out += "%!(EXTRA ".utf8
            for (n, argument) in arguments[next...].enumerated() {
                if n > 0 { out += ", ".utf8 }
                if case .none = argument {
                    out += "<nil>".utf8
                } else {
                    out += "\(argument.typeName)=".utf8
                    out += TemplatePrinter.text(argument).bytes
                }
            }
            out.append(0x29)
        }
        return ByteString(out)
    }

    // MARK: Parsing

    private static func number(_ bytes: [UInt8], _ i: inout Int) -> Int? {
        let start = i
        var value = 0
        while i < bytes.count, bytes[i].isDigit {
            value = value * 10 + Int(bytes[i] - 0x30)
            i += 1
            if value > widthMax { return nil }
        }
        return i > start ? value : nil
    }

    private static func integer(_ arguments: [TemplateValue], _ next: inout Int) -> Int? {
        guard next < arguments.count else { return nil }
        let value = arguments[next].integer
        next += 1
        return value.flatMap { Int(exactly: $0) }.flatMap { abs($0 / 2) < widthMax ? $0 : nil }
    }

    /// `[3]` chooses the argument that comes next.
    private static func argumentIndex(
        _ bytes: [UInt8],
        _ i: inout Int,
        _ next: inout Int,
        _ reordered: inout Bool,
        _ isBad: inout Bool,
        _ count: Int
    ) {
        guard i < bytes.count, bytes[i] == 0x5B else { return }
        reordered = true
        guard let close = bytes[i...].firstIndex(of: 0x5D) else {
            isBad = true
            i += 1
            return
        }
        var at = i + 1
        let wanted = number(bytes, &at)
        if let wanted, at == close, wanted >= 1, wanted <= count { next = wanted - 1 } else { isBad = true }
        i = close + 1
    }

    // MARK: Values

    private static func append(_ value: TemplateValue, _ verb: String, _ spec: Spec, _ out: inout [UInt8]) {
        switch verb {
        case "T":
            pad(Array(value.typeName.utf8), spec, &out)
            return
        case "v":
            if case .none = value {
                pad(Array("<nil>".utf8), spec, &out)
                return
            }
        default: break
        }
        switch value {
        case .none: out += "%!\(verb)(<nil>)".utf8
        case .bool(let flag):
            guard verb == "t" || verb == "v" else { return bad(value, verb, &out) }
            pad(Array((flag ? "true" : "false").utf8), spec, &out)
        case .named(_, let name, _) where verb == "v" || verb == "s": pad(Array(name.utf8), spec, &out)
        case .duration(let duration) where verb == "v" || verb == "s":
            pad(Array(GoDuration.text(duration).utf8), spec, &out)
        case .int, .int64, .byte, .named, .duration:
            appendInteger(value, value.integer ?? 0, verb, spec, &out)
        case .float(let number): appendFloat(value, number, verb, spec, &out)
        case .text(let text): appendText(value, text, verb, spec, &out)
        case .time:
            guard verb == "v" || verb == "s" else { return bad(value, verb, &out) }
            pad(TemplatePrinter.text(value).bytes, spec, &out)
        case .list(let items):
            out.append(0x5B)
            for (i, item) in items.enumerated() {
                // A width holds for each element; the caller refuses what is too long.
                if out.count > GoStrings.lengthMax { return }
                if i > 0 { out.append(0x20) }
                append(item, verb, spec, &out)
            }
            out.append(0x5D)
        case .map(let pairs):
            out += "map[".utf8
            for (i, pair) in pairs.enumerated() {
                if out.count > GoStrings.lengthMax { return }
                if i > 0 { out.append(0x20) }
                append(.text(pair.key), verb, spec, &out)
                out.append(0x3A)
                append(pair.value, verb, spec, &out)
            }
            out.append(0x5D)
        case .labels: out += "map[]".utf8
        }
    }

    private static func bad(_ value: TemplateValue, _ verb: String, _ out: inout [UInt8]) {
        out += "%!\(verb)(\(value.typeName)=".utf8
        out += TemplatePrinter.text(value).bytes
        out.append(0x29)
    }

    private static func appendInteger(
        _ value: TemplateValue,
        _ number: Int64,
        _ verb: String,
        _ spec: Spec,
        _ out: inout [UInt8]
    ) {
        var digits: String
        switch verb {
        case "d", "v": digits = String(number.magnitude)
        case "b": digits = (spec.sharp ? "0b" : "") + String(number.magnitude, radix: 2)
        case "o": digits = (spec.sharp ? "0" : "") + String(number.magnitude, radix: 8)
        case "O": digits = "0o" + String(number.magnitude, radix: 8)
        case "x": digits = (spec.sharp ? "0x" : "") + String(number.magnitude, radix: 16)
        case "X": digits = (spec.sharp ? "0X" : "") + String(number.magnitude, radix: 16, uppercase: true)
        case "c", "q", "U":
            let scalar = UInt32(exactly: number).flatMap { Unicode.Scalar($0) } ?? "\u{FFFD}"
            if verb == "c" {
                pad(Array(String(scalar).utf8), spec, &out)
            } else if verb == "q" {
                let text = scalar == "'" ? "'\\''" : scalar == "\"" ? "'\"'" : quoteScalar(scalar)
                pad(Array(text.utf8), spec, &out)
            } else {
                let hex = String(number.magnitude, radix: 16, uppercase: true)
                pad(Array(("U+" + String(repeating: "0", count: max(0, 4 - hex.utf8.count)) + hex).utf8), spec, &out)
            }
            return
        default: return bad(value, verb, &out)
        }
        if let precision = spec.precision {
            if precision == 0, number == 0 { digits = "" }
            digits = String(repeating: "0", count: max(0, precision - digits.utf8.count)) + digits
        }
        let sign = number < 0 ? "-" : spec.plus ? "+" : spec.space ? " " : ""
        appendNumber(sign, digits, spec, zero: spec.zero && spec.precision == nil, &out)
    }

    private static func quoteScalar(_ scalar: Unicode.Scalar) -> String {
        let inner = GoText.quote(String(scalar)).dropFirst().dropLast()
        return "'\(inner)'"
    }

    private static func appendFloat(
        _ value: TemplateValue,
        _ number: Double,
        _ verb: String,
        _ spec: Spec,
        _ out: inout [UInt8]
    ) {
        var digits: String
        switch verb {
        case "v":
            digits = spec.precision.map { trimmedGeneral(number, $0) } ?? GoFormat.general(number)
        case "g", "G":
            digits = spec.precision.map { trimmedGeneral(number, $0) } ?? GoFormat.general(number)
        case "f", "F": digits = GoFormat.fixed(number, verb: 0x66, precision: spec.precision ?? 6)
        case "e", "E": digits = GoFormat.fixed(number, verb: 0x65, precision: spec.precision ?? 6)
        default: return bad(value, verb, &out)
        }
        if verb == "G" || verb == "E" { digits = digits.uppercased() }
        var sign = ""
        if digits.hasPrefix("-") || digits.hasPrefix("+") {
            sign = String(digits.removeFirst())
        } else if spec.plus {
            sign = "+"
        } else if spec.space {
            sign = " "
        }
        appendNumber(sign, digits, spec, zero: spec.zero && number.isFinite, &out)
    }

    private static func trimmedGeneral(_ number: Double, _ precision: Int) -> String {
        GoFormat.fixed(number, verb: 0x67, precision: max(1, precision))
    }

    private static func appendNumber(
        _ sign: String,
        _ digits: String,
        _ spec: Spec,
        zero: Bool,
        _ out: inout [UInt8]
    ) {
        let missing = max(0, (spec.width ?? 0) - sign.utf8.count - digits.utf8.count)
        if zero {
            out += sign.utf8
            out += [UInt8](repeating: 0x30, count: missing)
            out += digits.utf8
        } else if spec.minus {
            out += sign.utf8
            out += digits.utf8
            out += [UInt8](repeating: 0x20, count: missing)
        } else {
            out += [UInt8](repeating: 0x20, count: missing)
            out += sign.utf8
            out += digits.utf8
        }
    }

    private static func appendText(
        _ value: TemplateValue,
        _ text: ByteString,
        _ verb: String,
        _ spec: Spec,
        _ out: inout [UInt8]
    ) {
        var text = text
        if let precision = spec.precision, verb != "x", verb != "X" {
            let kept = text.string.unicodeScalars.prefix(precision)
            if kept.count < text.string.unicodeScalars.count {
                text = ByteString(String(String.UnicodeScalarView(kept)))
            }
        }
        switch verb {
        case "s", "v":
            if spec.sharp, verb == "v" {
                pad(Array(text.withView { GoText.quote($0) }.utf8), spec, &out)
            } else {
                pad(text.bytes, spec, &out)
            }
        case "q":
            if spec.sharp, !text.bytes.contains(0x60), text.withView({ $0.isUTF8 }) {
                pad([0x60] + text.bytes + [0x60], spec, &out)
            } else {
                pad(Array(text.withView { GoText.quote($0) }.utf8), spec, &out)
            }
        case "x", "X":
            let bytes = spec.precision.map { Array(text.bytes.prefix($0)) } ?? text.bytes
            let prefix = spec.sharp && !bytes.isEmpty ? "0x" : ""
            var hex = prefix + bytes.map { GoText.hex($0) }.joined(separator: spec.space ? " \(prefix)" : "")
            if verb == "X" { hex = hex.uppercased() }
            pad(Array(hex.utf8), spec, &out)
        default: bad(value, verb, &out)
        }
    }

    /// Widths count characters.
    private static func pad(_ bytes: [UInt8], _ spec: Spec, _ out: inout [UInt8]) {
        guard let width = spec.width else {
            out += bytes
            return
        }
        let count = String(decoding: bytes, as: UTF8.self).unicodeScalars.count
        let padding = [UInt8](repeating: spec.zero ? 0x30 : 0x20, count: max(0, width - count))
        out += spec.minus ? bytes + padding : padding + bytes
    }
}

extension UTF8Length {
    /// Bytes that a sequence with this first byte should have.
    static func lead(_ byte: UInt8) -> Int { byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4 }
}
