/// A key and its value, read off a tape in one call.
@frozen @usableFromInline
package struct JSONMember {
    @usableFromInline package let key: Range<Int>
    @usableFromInline package let isKeyEscaped: Bool
    @usableFromInline package let isValueEscaped: Bool
    @usableFromInline package let isValueASCII: Bool
    @usableFromInline package let type: UInt8
    @usableFromInline package let value: Range<Int>
    /// Index of the token behind the member.
    @usableFromInline package let next: Int

    @usableFromInline
    init(
        key: Range<Int>,
        isKeyEscaped: Bool,
        isValueEscaped: Bool,
        isValueASCII: Bool,
        type: UInt8,
        value: Range<Int>,
        next: Int
    ) {
        self.key = key
        self.isKeyEscaped = isKeyEscaped
        self.isValueEscaped = isValueEscaped
        self.isValueASCII = isValueASCII
        self.type = type
        self.value = value
        self.next = next
    }

    @inlinable package var isObject: Bool { type == 1 }
    @inlinable package var isString: Bool { type == 3 }
    /// Null or an array: what has no text of its own in flattened documents.
    @inlinable package var isNullOrArray: Bool { type == 7 || type == 2 }
}

extension JSONCursor {
    /// The member whose key is the token at `index`. The value is the token behind it.
    package func member(at index: Int) -> JSONMember {
        let key = self[index]
        let value = self[index + 1]
        return JSONMember(
            key: key.start..<key.end,
            isKeyEscaped: key.isEscaped,
            isValueEscaped: value.isEscaped,
            isValueASCII: value.isASCII,
            type: value.type.rawValue,
            value: value.start..<value.end,
            next: value.next
        )
    }
}
