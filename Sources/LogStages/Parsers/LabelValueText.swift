import Bytes

/// Values of fields to values of labels.
enum LabelValueText {
    /// Whether the value has neither bytes that are not UTF-8 nor U+FFFD, which become spaces.
    static func isClean(_ value: ByteView) -> Bool {
        value.allSatisfy { $0 < 0x80 } || (value.isUTF8 && !value.contains(ByteView("\u{FFFD}")))
    }

    /// Appends the value with a space for each U+FFFD and each byte that is not UTF-8.
    static func appendCleaned(_ value: ByteView, to out: ByteArena) {
        var i = 0
        while i < value.count {
            let length = UTF8Length.at(value, i)
            if length == 0 {
                out.append(0x20 as UInt8)
                i += 1
            } else if length == 3, value[i] == 0xEF, value[i + 1] == 0xBF, value[i + 2] == 0xBD {
                out.append(0x20 as UInt8)
                i += 3
            } else {
                out.append(value[i..<i + length])
                i += length
            }
        }
    }
}
