import Bytes

/// Which name a JSON value stands under, while a document is walked from its beginning.
///
/// - `{"password": "x"}`: its key.
/// - `{"password": ["x", "y"]}`, `{"password": {"value": "x"}}`: the key of the container, in objects for members that
///   hold the value of what is around them (`value`, `stringValue`, `new` …).
/// - `{"name": "password", "value": "x"}`: the value of the member before, which is a name.
/// - `["authorization", "Bearer x"]`: the string before it, in a list of two.
struct JSONNames {
    /// Bytes of the key of the value that comes; empty in lists.
    private(set) var name = 0..<0
    private var key: SecretKey?

    /// What a container says about the values in it, up to where it ends; and the end of a member of it that is no value.
    private var passedOn: SecretKey?
    private var passedOnEnd = 0
    private var blockedEnd = 0

    /// A name that was met as a value, and how deep. Forgotten when another container begins there.
    private var held: SecretKey?
    private var heldDepth = 0

    /// A key, and what its name says about its value.
    mutating func enter(_ token: JSONCursor.Token, _ key: SecretKey?) {
        name = token.start..<token.end
        self.key = key
    }

    /// A container begins: what is known about it holds for the values in it.
    mutating func open(_ line: ByteView, _ token: JSONCursor.Token) {
        if let own = key ?? (isValueName(line) ? heldKey(token) : nil), own != .digits, own != .queryParameter {
            passedOn = own
            passedOnEnd = token.end
        } else if token.start < passedOnEnd, !name.isEmpty, !isValueName(line) {
            blockedEnd = max(blockedEnd, token.end)
        }
        if token.depth < heldDepth { held = nil }
        close()
    }

    /// The value is over.
    mutating func close() { (name, key) = (0..<0, nil) }

    /// What is known about the value at `token`. `isGuess`: it must look like a secret by itself.
    func key(_ line: ByteView, _ token: JSONCursor.Token) -> (key: SecretKey?, isGuess: Bool) {
        if let key { return (key, false) }
        let isOpen = token.start < passedOnEnd && token.start >= blockedEnd
        if isOpen, name.isEmpty || isValueName(line) { return (passedOn, false) }
        guard let key = heldKey(token) else { return (nil, false) }
        if !name.isEmpty { return isValueName(line) ? (key, false) : (nil, false) }
        // The second and last of a list.
        var i = token.end + (token.type == .string ? 1 : 0)
        while line.at(i).isJSONSpace { i += 1 }
        return line.at(i) == UInt8(ascii: "]") ? (key, true) : (nil, false)
    }

    /// Whether the string at `token` may be the name of a value behind it.
    func mayHoldName(_ line: ByteView, _ token: JSONCursor.Token) -> Bool {
        guard name.isEmpty else { return JSONNames.isOneOf(JSONNames.nameNames, line[name]) }
        // The first of a list.
        var i = token.start - 2
        while line.at(i).isJSONSpace { i -= 1 }
        return line.at(i) == UInt8(ascii: "[")
    }

    mutating func hold(_ line: ByteView, _ token: JSONCursor.Token, _ key: SecretKey?) {
        guard let key else { return }
        if name.isEmpty, key == .anyValue {
            // `{"required": ["password", "line2"]}` lists names; lists of pairs, and a pair alone, are no members.
            var i = token.start - 2
            while line.at(i).isJSONSpace || line.at(i) == UInt8(ascii: "[") { i -= 1 }
            if line.at(i) == UInt8(ascii: ":") { return }
        }
        held = key
        heldDepth = token.depth
    }

    private func heldKey(_ token: JSONCursor.Token) -> SecretKey? { token.depth == heldDepth ? held : nil }

    /// Whether the member that comes holds the value of what is around it.
    private func isValueName(_ line: ByteView) -> Bool {
        !name.isEmpty && JSONNames.isOneOf(JSONNames.valueNames, line[name])
    }

    private static func isOneOf(_ names: [StaticString], _ name: ByteView) -> Bool {
        for other in names where other.utf8CodeUnitCount == name.count && name.hasWord(other, at: 0) { return true }
        return false
    }

    private static let valueNames: [StaticString] = [
        "value", "values", "val", "v", "stringvalue", "arrayvalue", "raw", "plain", "plaintext", "content", "data",
        "current", "old", "new", "hash",
    ]
    private static let nameNames: [StaticString] = [
        "name", "key", "field", "header", "param", "parameter", "variable", "var", "env", "k", "attribute", "property",
    ]
}
