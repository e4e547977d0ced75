import CKernels

/// Values of one column and the memory they lie in.
package final class ValueBuffer: @unchecked Sendable {
    // Sendable: filled by whoever makes it, never written once it is handed on.
    private let bytes: ByteArena
    private let spans: ByteArena
    package private(set) var count = 0

    package init(capacity: Int = 256, values: Int = 16) {
        bytes = ByteArena(capacity: capacity)
        spans = ByteArena(capacity: values * MemoryLayout<tr_span>.stride)
    }

    package var list: ValueList {
        bytes.view.withUnsafeBytes { text in
            spans.view.withUnsafeBytes { table in
                // An arena's memory is never null.
                ValueList(
                    unsafe: text.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    spans: table.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: tr_span.self),
                    count: count
                )
            }
        }
    }

    /// Bytes of memory held.
    package var footprint: Int { bytes.footprint + spans.footprint }

    package func append(_ value: ByteView) {
        append(start: bytes.count, length: value.count)
        bytes.append(value)
    }

    private func append(start: Int, length: Int) {
        spans.append(littleEndian: UInt32(truncatingIfNeeded: start))
        spans.append(littleEndian: UInt32(truncatingIfNeeded: length))
        count += 1
    }

    /// The same value over and over.
    package func fill(_ value: ByteView, count: Int) {
        let start = bytes.count
        bytes.append(value)
        for _ in 0..<count { append(start: start, length: value.count) }
    }

    /// Values that lie one after another in `text`, of which the lengths are given. False when they do not end with it.
    package func append(_ text: ByteView, lengths: [Int64]) -> Bool {
        let start = bytes.count
        bytes.append(text)
        var at = 0
        for length in lengths {
            guard length >= 0, length <= Int64(text.count - at) else { return false }
            append(start: start + at, length: Int(length))
            at += Int(length)
        }
        return at == text.count
    }

    /// The value of each code. False when a code is outside the dictionary.
    package static func picking(_ codes: ArraySlice<UInt32>, of dictionary: ValueBuffer) -> PickedValues? {
        PickedValues(codes: codes, dictionary: dictionary)
    }

    package func append(integers numbers: [Int64]) {
        write(numbers, widest: 20) { tr_format_integers($0, numbers.count, $1, $2) }
    }

    package func append(decimals numbers: [Int64], _ format: DecimalFormat) {
        // 20 digits, sign, point, and leading zeros of the fraction.
        write(numbers, widest: 40) {
            tr_format_decimals($0, numbers.count, Int32(format.scale), Int32(format.style.rawValue), $1, $2)
        }
    }

    package func append(times numbers: [Int64], _ pattern: TimePattern) {
        write(numbers, widest: pattern.length) { source, out, spans in
            withUnsafePointer(to: pattern.raw) { tr_format_times(source, numbers.count, $0, out, spans) }
        }
    }

    private func write(
        _ numbers: [Int64],
        widest: Int,
        _ body: (UnsafePointer<Int64>, UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<tr_span>) -> Int
    ) {
        guard !numbers.isEmpty else { return }
        numbers.withUnsafeBufferPointer { source in
            _ = fill(values: numbers.count, room: numbers.count * widest) {
                body(source.baseAddress.unsafelyUnwrapped, $0, $1)
            }
        }
    }

    /// Kernels count starts from 0, so a buffer takes one list from them and nothing else.
    ///
    /// Lets a kernel write `values` values of at most `room` bytes in all; it returns the bytes, or less than 0.
    func fill(
        values: Int,
        room: Int,
        _ body: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<tr_span>) -> Int
    ) -> Int {
        precondition(bytes.isEmpty && count == 0, "values go into an empty buffer")
        var written = 0
        let size = values * MemoryLayout<tr_span>.stride
        bytes.appendUnsafe(capacity: room) { out in
            spans.appendUnsafe(capacity: size) { table in
                written = body(
                    out.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                    table.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: tr_span.self)
                )
                return written < 0 ? 0 : size
            }
            return max(0, written)
        }
        if written >= 0 { count = values }
        return written
    }
}

/// Values of a column that are entries of a dictionary: spans of the dictionary's memory.
package final class PickedValues: @unchecked Sendable {
    // Sendable: never written after `init`.
    private let dictionary: ValueBuffer
    private let spans: ByteArena
    private let count: Int

    fileprivate init?(codes: ArraySlice<UInt32>, dictionary: ValueBuffer) {
        self.dictionary = dictionary
        count = codes.count
        spans = ByteArena(capacity: codes.count * MemoryLayout<tr_span>.stride)
        let source = dictionary.list
        var isInside = true
        spans.appendUnsafe(capacity: codes.count * MemoryLayout<tr_span>.stride) { room in
            let table = room.bindMemory(to: tr_span.self)
            var at = 0
            for code in codes {
                if Int(code) >= source.count {
                    isInside = false
                    return 0
                }
                table[at] = source.spans[Int(code)]
                at += 1
            }
            return at * MemoryLayout<tr_span>.stride
        }
        if !isInside { return nil }
    }

    package var list: ValueList {
        let source = dictionary.list
        return spans.view.withUnsafeBytes { table in
            ValueList(
                unsafe: source.base,
                spans: table.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: tr_span.self),
                count: count
            )
        }
    }
}
