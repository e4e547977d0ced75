/// Durations as Go writes them: `1h30m`, `1.5s`, `300ms`, units ns us µs ms s m h; and with `days` also `7d` and `2w`,
/// as Prometheus has it. In nanoseconds.
package enum GoDuration {
    package static func parse(_ text: String, days: Bool = false) -> Int64? {
        var rest = Array(text.utf8)[...]
        var negative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        if rest.elementsEqual("0".utf8) { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        var whole: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            var fraction: ArraySlice<UInt8> = []
            if rest.first == UInt8(ascii: ".") {
                rest.removeFirst()
                fraction = rest.prefix { (0x30...0x39).contains($0) }
                rest = rest.dropFirst(fraction.count)
            }
            guard !digits.isEmpty || !fraction.isEmpty else { return nil }
            let unitBytes = rest.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(unitBytes.count)
            guard let unit = unit(String(decoding: unitBytes, as: UTF8.self), days: days) else { return nil }
            guard let count = digits.isEmpty ? 0 : Int64(String(decoding: digits, as: UTF8.self)) else { return nil }
            let (product, tooLong) = count.multipliedReportingOverflow(by: unit)
            let (sum, tooMuch) = whole.addingReportingOverflow(product)
            guard !tooLong, !tooMuch else { return nil }
            whole = sum
            if !fraction.isEmpty, let part = Double("0." + String(decoding: fraction, as: UTF8.self)) {
                total += part * Double(unit)
            }
        }
        // Fractions are below one unit each.
        let (sum, tooMuch) = whole.addingReportingOverflow(Int64(total))
        guard !tooMuch else { return nil }
        return negative ? -sum : sum
    }

    private static func unit(_ name: String, days: Bool) -> Int64? {
        switch name {
        case "ns": 1
        case "us", "\u{B5}s", "\u{3BC}s": 1_000
        case "ms": 1_000_000
        case "s": 1_000_000_000
        case "m": 60_000_000_000
        case "h": 3_600_000_000_000
        case "d" where days: 86_400_000_000_000
        case "w" where days: 604_800_000_000_000
        default: nil
        }
    }
}

/// Sizes as Promtail and Loki read them: `256kb`, `1.5GiB`, `1048576`; all units are powers of 1024. In bytes.
package enum ByteSize {
    package static func parse(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        let number = bytes.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        let suffix = String(decoding: bytes.dropFirst(number.count).drop { $0 == 0x20 }, as: UTF8.self).lowercased()
        guard let factor = factor(suffix), let value = Double(String(decoding: number, as: UTF8.self)), value.isFinite
        else {
            return nil
        }
        let size = value * Double(factor)
        return size <= Double(Int32.max) * 1_073_741_824 ? Int(size) : nil
    }

    private static func factor(_ suffix: String) -> Int? {
        switch suffix {
        case "", "b": 1
        case "k", "kb", "kib": 1 << 10
        case "m", "mb", "mib": 1 << 20
        case "g", "gb", "gib": 1 << 30
        case "t", "tb", "tib": 1 << 40
        default: nil
        }
    }
}
