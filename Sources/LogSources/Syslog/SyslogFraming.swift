import Bytes

/// Cuts the bytes of one connection into messages (RFC 6587): by octet counts where it begins with a digit, else by newlines.
///
/// Which of both is decided once for a connection, by its first byte. A message longer than the limit is cut and the rest of it
/// passed over, so that a sender that never ends one costs `lengthMax` bytes.
package struct SyslogFraming: ~Copyable {
    package enum Failure: Error, Equatable {
        /// The connection begins with neither a digit nor `<`, or a count is none: what follows cannot be told apart.
        case unknown(String)
    }

    private enum Mode { case undecided, counted, lines }

    private let lengthMax: Int
    private var mode = Mode.undecided
    /// The message so far, at most `lengthMax` bytes.
    private var held: [UInt8] = []
    /// Bytes of the counted message still to come; nil: its count is being read.
    private var left: Int?
    private var count = 0
    private var countDigits = 0
    /// Messages that were cut.
    package private(set) var cut = 0

    package init(lengthMax: Int) { self.lengthMax = lengthMax }

    /// Takes what has come and calls `body` with each message that ends in it.
    package mutating func feed(_ bytes: ByteView, _ body: (ByteView) -> Void) throws(Failure) {
        var at = 0
        if mode == .undecided {
            // Newlines and blanks between messages mean nothing.
            while at < bytes.count, bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x20 || bytes[at] == 0 { at += 1 }
            guard at < bytes.count else { return }
            switch bytes[at] {
            case UInt8(ascii: "<"): mode = .lines
            case UInt8(ascii: "0")...UInt8(ascii: "9"): mode = .counted
            default: throw .unknown("it begins with byte \(bytes[at])")
            }
        }
        if mode == .lines {
            lines(bytes.suffix(from: at), body)
        } else {
            try counted(bytes.suffix(from: at), body)
        }
    }

    /// The connection has ended: what is there of a last message counts.
    package mutating func end(_ body: (ByteView) -> Void) {
        emit(body)
        left = nil
    }

    private mutating func hold(_ bytes: ByteView) {
        let room = lengthMax - held.count
        if room > 0 { held += bytes.prefix(room).copy() }
        if bytes.count > max(room, 0), !isOver {
            isOver = true
            cut += 1
        }
    }

    private var isOver = false

    private mutating func emit(_ body: (ByteView) -> Void) {
        var text = held[...]
        while let last = text.last, last == 0x0A || last == 0x0D || last == 0 { text.removeLast() }
        isOver = false
        defer { held.removeAll(keepingCapacity: true) }
        guard !text.isEmpty else { return }
        held.withView { body($0.prefix(text.count)) }
    }

    private mutating func lines(_ bytes: ByteView, _ body: (ByteView) -> Void) {
        var start = 0
        while let newline = bytes.firstIndex(of: 0x0A, from: start) {
            hold(bytes[start..<newline])
            emit(body)
            start = newline + 1
        }
        hold(bytes.suffix(from: start))
    }

    private mutating func counted(_ bytes: ByteView, _ body: (ByteView) -> Void) throws(Failure) {
        var at = 0
        while at < bytes.count {
            if let more = left {
                let part = min(more, bytes.count - at)
                hold(bytes[at..<at + part])
                at += part
                left = more - part
                if more == part {
                    emit(body)
                    left = nil
                }
                continue
            }
            let byte = bytes[at]
            at += 1
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                countDigits += 1
                // Ten digits are more than any message has.
                guard countDigits <= 9 else { throw .unknown("a count has more than 9 digits") }
                count = count * 10 + Int(byte - 0x30)
            case 0x20 where countDigits > 0:
                left = count > 0 ? count : nil
                count = 0
                countDigits = 0
            case 0x0A, 0x0D, 0x20: if countDigits > 0 { throw .unknown("a count ends with byte \(byte)") }
            default: throw .unknown("a count holds byte \(byte)")
            }
        }
    }
}
