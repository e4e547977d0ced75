import Bytes

/// Reads `key=value key="quoted" key` from front to back, tokens apart by bytes up to 0x20.
///
/// A fault ends `next()` with `.fault`. The caller may go on: scanning resumes behind the faulty token's separator.
/// Fault rules and positions (1-based) are those of go-logfmt.
struct LogfmtScanner {
    struct Pair {
        var key: Range<Int>
        /// Inside the quotes of a quoted value.
        var value: Range<Int>
        var isQuoted = false
        /// Holds backslash escapes.
        var isEscaped = false
    }

    enum Fault {
        case unexpected(UInt8, at: Int)
        case invalidKey(at: Int)
        case unterminated(at: Int)
        case invalidQuoted(at: Int)

        var message: String {
            switch self {
            case .unexpected(let byte, let at):
                "logfmt syntax error at pos \(at + 1) : unexpected '\(Character(Unicode.Scalar(byte)))'"
            case .invalidKey(let at): "logfmt syntax error at pos \(at + 1) : invalid key"
            case .unterminated(let at): "logfmt syntax error at pos \(at + 1) : unterminated quoted value"
            case .invalidQuoted(let at): "logfmt syntax error at pos \(at + 1) : invalid quoted value"
            }
        }
    }

    enum Event {
        case pair(Pair)
        case fault(Fault)
        case end
    }

    private let line: ByteView
    private(set) var at = 0

    init(_ line: ByteView) { self.line = line }

    /// Skips to the next separator, after a fault.
    mutating func recover() {
        at = line.scan(from: at) { $0 <= 0x20 }
    }

    mutating func next() -> Event {
        at = line.scan(from: at) { $0 > 0x20 }
        guard at < line.count else { return .end }
        let start = at
        var bits: UInt8 = 0
        at = line.scan(from: at) { c in
            if c == 0x3D || c == 0x22 || c <= 0x20 { return true }
            bits |= c
            return false
        }
        let isBroken = bits >= 0x80
        let key = start..<at
        guard at < line.count, line[at] > 0x20 else {
            return checked(key, isBroken).map { .fault($0) } ?? .pair(Pair(key: key, value: at..<at))
        }
        if line[at] == 0x22 { return .fault(.unexpected(0x22, at: at)) }
        guard !key.isEmpty else { return .fault(.unexpected(0x3D, at: at)) }
        if let fault = checked(key, isBroken) { return .fault(fault) }
        at += 1
        guard at < line.count, line[at] > 0x20 else { return .pair(Pair(key: key, value: at..<at)) }
        return line[at] == 0x22 ? quoted(key) : plain(key)
    }

    /// A key may not hold U+FFFD or bytes that are not UTF-8.
    private func checked(_ key: Range<Int>, _ mayBeBroken: Bool) -> Fault? {
        guard mayBeBroken, !LabelValueText.isClean(line[key]) else { return nil }
        return .invalidKey(at: key.upperBound)
    }

    private mutating func plain(_ key: Range<Int>) -> Event {
        let start = at
        at = line.scan(from: at) { $0 <= 0x20 || $0 == 0x3D || $0 == 0x22 }
        if at < line.count, line[at] > 0x20 { return .fault(.unexpected(line[at], at: at)) }
        return .pair(Pair(key: key, value: start..<at))
    }

    private mutating func quoted(_ key: Range<Int>) -> Event {
        at += 1
        let start = at
        var isEscaped = false
        while true {
            at = line.scan(from: at) { $0 == 0x5C || $0 == 0x22 }
            guard at < line.count else { break }
            if line[at] == 0x22 {
                let value = start..<at
                at += 1
                return .pair(Pair(key: key, value: value, isQuoted: true, isEscaped: isEscaped))
            }
            isEscaped = true
            at = min(at + 2, line.count)
        }
        return .fault(.unterminated(at: line.count))
    }
}
