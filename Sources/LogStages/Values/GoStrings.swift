import Bytes

/// String functions of Go and sprig on bytes. What would grow beyond a template's limit is an error.
enum GoStrings {
    static let lengthMax = Template.outputMax

    static func replace(
        _ text: ByteString,
        _ old: ByteString,
        _ new: ByteString,
        limit: Int
    ) throws(TemplateFailure) -> ByteString {
        if old == new || limit == 0 { return text }
        var out: [UInt8] = []
        var left = limit < 0 ? Int.max : limit
        if old.isEmpty {
            // Go puts `new` in front of every character and at the end.
            try text.withView { (view) throws(TemplateFailure) in
                var i = 0
                while left > 0 {
                    out += new.bytes
                    left -= 1
                    guard i < view.count else { break }
                    let length = max(1, UTF8Length.at(view, i))
                    out += view[i..<i + length].copy()
                    i += length
                    try check(out.count)
                }
                out += view.suffix(from: min(i, view.count)).copy()
            }
            return ByteString(out)
        }
        try text.withView { (view) throws(TemplateFailure) in
            try old.withView { (needle) throws(TemplateFailure) in
                var at = 0
                while left > 0, let hit = view.firstRange(of: needle, from: at) {
                    out += view[at..<hit].copy()
                    out += new.bytes
                    at = hit + needle.count
                    left -= 1
                    try check(out.count)
                }
                out += view.suffix(from: at).copy()
            }
        }
        return ByteString(out)
    }

    /// Removes characters of `cutset` from the ends.
    static func trim(_ text: ByteString, _ cutset: ByteString, left: Bool, right: Bool) -> ByteString {
        text.withView { view in
            let set = Set(cutset.string.unicodeScalars)
            var low = 0
            var high = view.count
            func scalar(_ at: Int, _ length: Int) -> Unicode.Scalar {
                view[at..<at + length].string.unicodeScalars.first ?? "\u{FFFD}"
            }
            while left, low < high {
                let length = max(1, UTF8Length.at(view, low))
                guard set.contains(scalar(low, length)) else { break }
                low += length
            }
            while right, high > low {
                var start = high - 1
                while start > low, start > high - 4, view[start] & 0xC0 == 0x80 { start -= 1 }
                if UTF8Length.at(view, start) != high - start { start = high - 1 }
                guard set.contains(scalar(start, high - start)) else { break }
                high = start
            }
            return ByteString(view[low..<high])
        }
    }

    static func trimPrefix(_ text: ByteString, _ prefix: ByteString) -> ByteString {
        text.bytes.starts(with: prefix.bytes) ? ByteString(Array(text.bytes.dropFirst(prefix.count))) : text
    }

    static func trimSuffix(_ text: ByteString, _ suffix: ByteString) -> ByteString {
        text.bytes.suffix(suffix.count).elementsEqual(suffix.bytes)
            ? ByteString(Array(text.bytes.dropLast(suffix.count))) : text
    }

    /// The first `count` bytes, or the last ones where it is negative.
    static func truncate(_ text: ByteString, _ count: Int) -> ByteString {
        if count < 0, count > -text.count { return ByteString(Array(text.bytes.suffix(-count))) }
        if count >= 0, text.count > count { return ByteString(Array(text.bytes.prefix(count))) }
        return text
    }

    static func substring(_ text: ByteString, _ start: Int, _ end: Int) throws(TemplateFailure) -> ByteString {
        let count = text.count
        if start < 0 {
            guard end >= 0 else { throw TemplateFailure("runtime error: slice bounds out of range [:\(end)]") }
            guard end <= count else {
                throw TemplateFailure("runtime error: slice bounds out of range [:\(end)] with length \(count)")
            }
            return ByteString(Array(text.bytes[0..<end]))
        }
        let end = end < 0 || end > count ? count : end
        guard start <= end else {
            throw TemplateFailure("runtime error: slice bounds out of range [\(start):\(end)]")
        }
        return ByteString(Array(text.bytes[start..<end]))
    }

    static func repeated(_ text: ByteString, _ count: Int) throws(TemplateFailure) -> ByteString {
        guard count >= 0 else { throw TemplateFailure("strings: negative Repeat count") }
        let (size, overflow) = text.count.multipliedReportingOverflow(by: count)
        try check(overflow ? .max : size)
        var out: [UInt8] = []
        if size > 0 {
            out.reserveCapacity(size)
            out += text.bytes
            // By doubling: a million additions of a byte take longer than the bytes.
            while out.count <= size / 2 {
                let made = out
                out += made
            }
            out += Array(out.prefix(size - out.count))
        }
        return ByteString(out)
    }

    static func indent(_ text: ByteString, _ spaces: Int) throws(TemplateFailure) -> ByteString {
        let pad = try repeated(" ", spaces)
        return ByteString(pad.bytes + (try replace(text, "\n", ByteString([0x0A] + pad.bytes), limit: -1)).bytes)
    }

    /// Exactly `count` characters: cut, or padded with blanks.
    static func align(_ text: ByteString, _ count: Int, left: Bool) throws(TemplateFailure) -> ByteString {
        guard count >= 0 else { return text }
        try check(count)
        let starts: [Int] = text.withView { view in
            var starts: [Int] = []
            var i = 0
            while i < view.count {
                starts.append(i)
                i += max(1, UTF8Length.at(view, i))
            }
            return starts
        }
        if count < starts.count {
            if left { return ByteString(Array(text.bytes[..<starts[count]])) }
            return ByteString(Array(text.bytes[starts[starts.count - count, default: text.count]...]))
        }
        let pad = [UInt8](repeating: 0x20, count: count - starts.count)
        return ByteString(left ? text.bytes + pad : pad + text.bytes)
    }

    private static func check(_ size: Int) throws(TemplateFailure) {
        if size > lengthMax { throw TemplateFailure("result exceeds \(lengthMax) bytes") }
    }
}

extension [Int] {
    fileprivate subscript(index: Int, default fallback: Int) -> Int { index < count ? self[index] : fallback }
}
