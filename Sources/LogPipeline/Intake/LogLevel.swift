import Bytes

/// How severe a line is, in Loki's words.
package enum LogLevel: UInt8, Sendable, CaseIterable {
    case unknown = 0
    case trace, debug, info, warn, error, critical, fatal

    /// The value of `detected_level`.
    package var name: StaticString {
        switch self {
        case .unknown: "unknown"
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warn: "warn"
        case .error: "error"
        case .critical: "critical"
        case .fatal: "fatal"
        }
    }

    /// The names as label values, by raw value.
    static let texts: [ByteString] = allCases.map { ByteString(ByteView($0.name)) }

    var text: ByteString { Self.texts[Int(rawValue)] }

    /// The level that a field's value names, in any case; nil for a word that is none.
    package init?(word: ByteView) {
        guard word.count >= 3, word.count <= 11 else { return nil }
        func same(_ text: StaticString) -> Bool { LogLevel.equal(word, text) }
        switch word[0] | 0x20 {
        case UInt8(ascii: "t"): if same("trace") || same("trc") { self = .trace } else { return nil }
        case UInt8(ascii: "d"): if same("debug") || same("dbg") { self = .debug } else { return nil }
        case UInt8(ascii: "i"):
            if same("info") || same("inf") || same("information") { self = .info } else { return nil }
        case UInt8(ascii: "w"):
            if same("warn") || same("wrn") || same("warning") { self = .warn } else { return nil }
        case UInt8(ascii: "e"): if same("error") || same("err") { self = .error } else { return nil }
        case UInt8(ascii: "c"): if same("critical") { self = .critical } else { return nil }
        case UInt8(ascii: "f"): if same("fatal") { self = .fatal } else { return nil }
        default: return nil
        }
    }

    /// OpenTelemetry's severity number; a text that is no number counts as info, as in Loki.
    package init(severityNumber text: ByteView) {
        guard let number = Int(text.string) else {
            self = .info
            return
        }
        switch number {
        case ...0: self = number == 0 ? .unknown : .trace
        case 1...4: self = .trace
        case 5...8: self = .debug
        case 9...12: self = .info
        case 13...16: self = .warn
        case 17...20: self = .error
        case 21...24: self = .fatal
        default: self = .unknown
        }
    }

    /// Equality of ASCII texts in any case; `lower` must be lower case.
    static func equal(_ text: ByteView, _ lower: StaticString) -> Bool {
        let wanted = ByteView(lower)
        guard text.count == wanted.count else { return false }
        for i in 0..<text.count where text[i].lowercased != wanted[i] { return false }
        return true
    }
}
