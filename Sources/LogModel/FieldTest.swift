import Bytes

/// A condition on a label that `| json` makes from a field of the line, with the means to decide it.
///
/// The label is found by its name: keys of the path from the outermost in, each made a label name by `LabelSanitizer`,
/// joined by `_`. Strings are decoded, numbers keep their spelling, nulls and arrays make no label.
package struct FieldTest: Sendable {
    package enum Verdict: Sendable { case yes, no, open }

    package enum Comparison: Sendable {
        case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual

        @inlinable
        package func holds(_ a: Double, _ b: Double) -> Bool {
            switch self {
            case .equal: a == b
            case .notEqual: a != b
            case .greater: a > b
            case .greaterOrEqual: a >= b
            case .less: a < b
            case .lessOrEqual: a <= b
            }
        }
    }

    package var name: ByteString
    /// The verdict on a value; nil: the line has no such label. `open` where the value does not convert.
    package var decide: @Sendable (ByteView?) -> Verdict
    /// Set where the condition compares the value as a number.
    package var number: (op: Comparison, value: Double)?
    /// Set where the value must be equal to this text.
    package var text: ByteString?

    package init(
        name: ByteString,
        number: (op: Comparison, value: Double)? = nil,
        text: ByteString? = nil,
        decide: @escaping @Sendable (ByteView?) -> Verdict
    ) {
        self.name = name
        self.number = number
        self.text = text
        self.decide = decide
    }
}

/// What a label that `| json` makes is in the rows of a block.
package struct FieldColumn {
    package enum Values {
        /// Codes of the rows into a table of values.
        case texts([UInt32], ValueBuffer)
        case numbers([Double])
    }
    package var values: Values
    /// Rows that have the label.
    package var present: Bitmap
    /// Rows whose line must be read to know. Disjoint from `present`.
    package var open: Bitmap

    package init(values: Values, present: Bitmap, open: Bitmap) {
        self.values = values
        self.present = present
        self.open = open
    }
}
