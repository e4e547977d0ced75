import Bytes
import LogModel

/// Finds the level of a line as Loki's distributor does: a field of a JSON or logfmt line, else the first word that
/// names a level.
///
/// Reads only as far as it must: a JSON line is walked key by key up to the first level key, strings are passed over
/// with `memchr`, nothing is decoded or copied.
enum LevelDetector {
    /// Keys that hold a level, in order of precedence.
    static let keys: [ByteString] = [
        "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText", "lvl", "LVL", "Lvl",
        "severity_text", "Severity_Text", "SEVERITY_TEXT",
    ]

    static func detect(_ line: ByteView) -> LogLevel {
        let text = line.trimmed
        guard let first = text.first, let last = text.last else { return .unknown }
        if first == UInt8(ascii: "{"), last == UInt8(ascii: "}") {
            if let value = fieldOfJSON(text), let level = LogLevel(word: value) { return level }
        } else if line.contains(UInt8(ascii: "=")) {
            if let value = fieldOfLogfmt(line), let level = LogLevel(word: value) { return level }
        }
        return firstWord(line)
    }

    // MARK: JSON

    /// The first string under a level key, in document order, in the object or one of the objects right inside it.
    /// A line that is not JSON after all yields nothing from the fault on.
    private static func fieldOfJSON(_ text: ByteView) -> ByteView? {
        var i = 1
        var depth = 1
        // Whether the container at each of the two upper levels is the object whose keys count.
        while i < text.count {
            i = skipSpace(text, i)
            guard i < text.count else { return nil }
            switch text[i] {
            case UInt8(ascii: "\""):
                guard let keyEnd = stringEnd(text, i + 1) else { return nil }
                let key = text[(i + 1)..<keyEnd]
                i = skipSpace(text, keyEnd + 1)
                guard i < text.count, text[i] == UInt8(ascii: ":") else { return nil }
                i = skipSpace(text, i + 1)
                guard i < text.count else { return nil }
                switch text[i] {
                case UInt8(ascii: "\""):
                    guard let end = stringEnd(text, i + 1) else { return nil }
                    if isLevelKey(key) { return text[(i + 1)..<end] }
                    i = end + 1
                case UInt8(ascii: "{"):
                    if depth < 2 {
                        depth += 1
                        i += 1
                        continue
                    }
                    guard let end = containerEnd(text, i) else { return nil }
                    i = end
                case UInt8(ascii: "["):
                    guard let end = containerEnd(text, i) else { return nil }
                    i = end
                default:
                    while i < text.count, text[i] != UInt8(ascii: ","), text[i] != UInt8(ascii: "}") { i += 1 }
                }
                i = skipSpace(text, i)
                if i < text.count, text[i] == UInt8(ascii: ",") { i += 1 }
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { return nil }
                i = skipSpace(text, i + 1)
                if i < text.count, text[i] == UInt8(ascii: ",") { i += 1 }
            default: return nil
            }
        }
        return nil
    }

    @inline(__always)
    static func skipSpace(_ text: ByteView, _ from: Int) -> Int {
        var i = from
        while i < text.count, text[i].isJSONSpace { i += 1 }
        return i
    }

    /// Offset of the quote that closes the string whose first byte is at `from`.
    @inline(__always)
    static func stringEnd(_ text: ByteView, _ from: Int) -> Int? {
        var i = from
        while let quote = text.firstIndex(of: UInt8(ascii: "\""), from: i) {
            // Escaped when an odd number of backslashes stands before it.
            var slashes = 0
            while quote - slashes > from, text[quote - slashes - 1] == UInt8(ascii: "\\") { slashes += 1 }
            if slashes & 1 == 0 { return quote }
            i = quote + 1
        }
        return nil
    }

    /// Offset behind the bracket that closes the container which opens at `from`.
    static func containerEnd(_ text: ByteView, _ from: Int) -> Int? {
        var depth = 0
        var i = from
        while i < text.count {
            switch text[i] {
            case UInt8(ascii: "\""):
                guard let end = stringEnd(text, i + 1) else { return nil }
                i = end
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { return i + 1 }
            default: break
            }
            i += 1
        }
        return nil
    }

    /// Whether it is one of `keys`.
    @inline(__always)
    static func isLevelKey(_ key: ByteView) -> Bool {
        // Lengths and first letters of the list, before any comparison.
        switch key.count {
        case 3: return key.hasPrefix("lvl") || key.hasPrefix("LVL") || key.hasPrefix("Lvl")
        case 5: return key.hasPrefix("level") || key.hasPrefix("LEVEL") || key.hasPrefix("Level")
        case 8: return key.hasPrefix("severity") || key.hasPrefix("SEVERITY") || key.hasPrefix("Severity")
        case 9: return key.hasPrefix("log.level")
        case 12: return key.hasPrefix("SeverityText")
        case 13: return key.hasPrefix("severity_text") || key.hasPrefix("Severity_Text") || key.hasPrefix("SEVERITY_TEXT")
        default: return false
        }
    }

    // MARK: logfmt

    /// Precedence of a logfmt key, in any case; smaller wins.
    private static func rank(_ key: ByteView) -> Int? {
        switch key.count {
        case 3: return LogLevel.equal(key, "lvl") ? 4 : nil
        case 5: return LogLevel.equal(key, "level") ? 0 : nil
        case 8: return LogLevel.equal(key, "severity") ? 2 : nil
        case 9: return LogLevel.equal(key, "log.level") ? 1 : nil
        case 12: return LogLevel.equal(key, "severitytext") ? 3 : nil
        case 13: return LogLevel.equal(key, "severity_text") ? 5 : nil
        default: return nil
        }
    }

    /// The value of the level key of the highest precedence.
    private static func fieldOfLogfmt(_ line: ByteView) -> ByteView? {
        var best: (rank: Int, value: ByteView)?
        var i = 0
        while i < line.count {
            while i < line.count, line[i] <= 0x20 { i += 1 }
            let keyStart = i
            while i < line.count, line[i] > 0x20, line[i] != UInt8(ascii: "="), line[i] != UInt8(ascii: "\"") { i += 1 }
            let key = line[keyStart..<i]
            // A quote inside a key, or a value without a key: logfmt's reader gives up here.
            guard i < line.count else { break }
            if line[i] == UInt8(ascii: "\"") || (line[i] == UInt8(ascii: "=") && key.isEmpty) { break }
            guard line[i] == UInt8(ascii: "=") else { continue }
            i += 1
            var value = ByteView()
            if i < line.count, line[i] == UInt8(ascii: "\"") {
                guard let end = stringEnd(line, i + 1) else { break }
                value = line[(i + 1)..<end]
                i = end + 1
            } else {
                let start = i
                while i < line.count, line[i] > 0x20 { i += 1 }
                value = line[start..<i]
            }
            if let rank = rank(key), rank < best?.rank ?? .max {
                best = (rank, value)
                if rank == 0 { break }
            }
        }
        return best?.value
    }

    // MARK: Words

    /// Bytes that may stand behind a level word: bit masks over the lower 128.
    private static let rightLow = mask(" \t\n\"'=():,!", below: 64)
    private static let rightHigh = mask("[]{}|", below: 128)

    private static func mask(_ bytes: StaticString, below limit: UInt8) -> UInt64 {
        bytes.withUTF8Buffer { $0.reduce(0) { $0 | 1 << UInt64($1 & 63) } }
    }

    /// The level that the first bounded word of the line names.
    private static func firstWord(_ line: ByteView) -> LogLevel {
        var at = line.levelStart(from: 0)
        while at < line.count {
            if let level = word(line, at, line[at] | 0x20) { return level }
            at = line.levelStart(from: at + 1)
        }
        return .unknown
    }

    @inline(__always)
    private static func word(_ line: ByteView, _ at: Int, _ initial: UInt8) -> LogLevel? {
        switch initial {
        case UInt8(ascii: "t"): stands(line, at, "trace") ? .trace : nil
        case UInt8(ascii: "d"): stands(line, at, "debug") ? .debug : nil
        case UInt8(ascii: "f"): stands(line, at, "fatal") ? .fatal : nil
        case UInt8(ascii: "c"): stands(line, at, "critical") ? .critical : nil
        case UInt8(ascii: "e"): stands(line, at, "error") || stands(line, at, "err") ? .error : nil
        case UInt8(ascii: "w"): stands(line, at, "warning") || stands(line, at, "warn") ? .warn : nil
        case UInt8(ascii: "i"): stands(line, at, "info") ? .info : nil
        default: nil
        }
    }

    private static func stands(_ line: ByteView, _ at: Int, _ word: StaticString) -> Bool {
        let end = at + word.utf8CodeUnitCount
        guard end <= line.count, LogLevel.equal(line[at..<end], word) else { return false }
        if end == line.count { return true }
        let c = line[end]
        return c < 64 ? rightLow >> UInt64(c) & 1 == 1 : c < 128 && rightHigh >> UInt64(c & 63) & 1 == 1
    }
}
