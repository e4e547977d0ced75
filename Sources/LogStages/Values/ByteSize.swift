import Bytes

/// Sizes as go-humanize reads them: `1.5 MB`, `2,048`, `3KiB`, `42`; any case.
package enum ByteSize {
    package enum Failure: Error, Equatable, Sendable {
        /// The text of the number, without its commas.
        case number(String, GoFloat.Failure)
        case unknownUnit(String)
        case tooLarge
    }

    /// Bytes, rounded down.
    package static func parse(_ text: ByteView) -> Result<UInt64, Failure> {
        var end = 0
        var hasComma = false
        while end < text.count, text[end].isDigit || text[end] == 0x2E || text[end] == 0x2C {
            if text[end] == 0x2C { hasComma = true }
            end += 1
        }
        let number: Double
        if hasComma {
            let digits = text[0..<end].copy().filter { $0 != 0x2C }
            switch digits.withView({ GoFloat.parse($0) }) {
            case .success(let value): number = value
            case .failure(let failure): return .failure(.number(String(decoding: digits, as: UTF8.self), failure))
            }
        } else {
            switch GoFloat.parse(text[0..<end]) {
            case .success(let value): number = value
            case .failure(let failure): return .failure(.number(text[0..<end].string, failure))
            }
        }
        let unit = text.suffix(from: end).trimmed
        guard let factor = factor(unit) else { return .failure(.unknownUnit(unit.string.lowercased())) }
        let bytes = number * factor
        guard bytes < 0x1p64 else { return .failure(.tooLarge) }
        return .success(UInt64(bytes))
    }

    package static func message(_ failure: Failure, _ text: ByteView) -> String {
        switch failure {
        case .number(let digits, let failure): return digits.withView { GoFloat.message(failure, $0) }
        case .unknownUnit(let unit): return "unhandled size name: \(unit)"
        case .tooLarge: return "too large: \(text.string)"
        }
    }

    private static func factor(_ unit: ByteView) -> Double? {
        if unit.isEmpty { return 1 }
        let first = unit[0].lowercased
        if first == 0x62 { return unit.count == 1 ? 1 : nil }  // b
        let power: Int
        switch first {
        case 0x6B: power = 1  // k
        case 0x6D: power = 2
        case 0x67: power = 3
        case 0x74: power = 4
        case 0x70: power = 5
        case 0x65: power = 6
        default: return nil
        }
        let base: Double
        switch unit.count {
        case 1: base = 1000
        case 2 where unit[1].lowercased == 0x62: base = 1000
        case 2 where unit[1].lowercased == 0x69: base = 1024
        case 3 where unit[1].lowercased == 0x69 && unit[2].lowercased == 0x62: base = 1024
        default: return nil
        }
        var factor = 1.0
        for _ in 0..<power { factor *= base }
        return factor
    }
}
