import Bytes

/// Values that stand where a secret would and are none: `***`, `${PASSWORD}`, `null`, our own tokens.
enum Placeholder {
    static func matches(_ value: ByteView) -> Bool {
        guard let first = value.first else { return true }
        if value.hasPrefix("[REDACTED") || value.hasPrefix("***") { return true }
        if value.contains(ByteView("****")) { return true }
        if first == UInt8(ascii: "$"), value.count > 1,
            value[1] == UInt8(ascii: "{") || value[1] == UInt8(ascii: "(") || isName(value.suffix(from: 1))
        {
            return true
        }
        if value.hasPrefix("{{") || value.hasPrefix("{%") || value.hasPrefix("%(") || value.hasPrefix("#{") {
            return true
        }
        if first == UInt8(ascii: "<"), value.last == UInt8(ascii: ">") { return true }
        if first == UInt8(ascii: "%"), value.count == 2 || (value.last == first && isName(value[1..<value.count - 1])) {
            return true
        }
        if allSame(value) { return true }
        guard value.count <= 12 else { return false }
        for word in words where word.utf8CodeUnitCount == value.count && value.hasWord(word, at: 0) { return true }
        return false
    }

    /// `DB_PASSWORD`: a name of the environment.
    private static func isName(_ value: ByteView) -> Bool {
        guard let first = value.first, first &- 0x41 < 26 || first == UInt8(ascii: "_") else { return false }
        return value.run(of: [.upper, .digit, .underscore], from: 0) == value.count
    }

    private static func allSame(_ value: ByteView) -> Bool {
        guard value.count >= 3, !value[0].isDigit else { return false }
        for i in value.indices where value[i] != value[0] { return false }
        return true
    }

    private static let words: [StaticString] = [
        "true", "false", "null", "none", "nil", "undefined", "empty", "unset", "redacted", "hidden", "masked",
        "filtered",
        "removed", "str", "string", "secret", "password", "token", "required", "optional", "missing", "invalid",
        "incorrect", "wrong", "expired", "unknown", "yes", "no", "ok", "failed", "and", "or", "not", "is", "was",
        "n/a", "-", "...", "enabled", "disabled", "rejected", "accepted", "authentication",
    ]
}
