import Bytes

// What readers of a tape ask of a token.
extension JSONCursor.Token {
    /// Where its text lies: inside the quotes of a string, with the brackets of a container.
    var range: Range<Int> { start..<end }
    var length: Int { end - start }
    /// Index of the first token behind this one and everything in it.
    var following: Int { next }
    var isObject: Bool { type == .object }
    var isArray: Bool { type == .array }
    var isString: Bool { type == .string }
    var isNull: Bool { type == .null }
}
