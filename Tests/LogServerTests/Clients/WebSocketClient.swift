import Glibc

/// The client's side of RFC 6455 over a `TestClient`: enough to read what a tail sends and to say goodbye.
final class WebSocketClient: @unchecked Sendable {
    // Sendable: a test uses a client from one thread at a time.
    let connection: TestClient
    let answer: TestReply

    struct Frame: Equatable {
        var opcode: UInt8
        var payload: [UInt8]
        var text: String { String(decoding: payload, as: UTF8.self) }
        /// Code and reason of a close frame.
        var close: (code: Int, reason: String)? {
            guard opcode == 8, payload.count >= 2 else { return nil }
            return (Int(payload[0]) << 8 | Int(payload[1]), String(decoding: payload[2...], as: UTF8.self))
        }
    }

    /// Asks for the upgrade; `answer.status` is 101 where it was granted.
    init(_ connection: TestClient, _ target: String, headers: [(String, String)] = []) throws {
        self.connection = connection
        try connection.send(
            "GET", target,
            headers: [
                ("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ] + headers)
        answer = try connection.receive()
    }

    /// The next frame; nil where the connection ends without one.
    func frame() throws -> Frame? {
        guard let head = try connection.bytes(2) else { return nil }
        var length = Int(head[1] & 0x7F)
        let extra = length == 126 ? 2 : length == 127 ? 8 : 0
        if extra > 0 {
            guard let more = try connection.bytes(extra) else { return nil }
            length = more.reduce(0) { $0 << 8 | Int($1) }
        }
        guard head[0] & 0x80 != 0, head[1] & 0x80 == 0 else { throw TestFailure("a frame in pieces, or masked by a server") }
        guard let payload = try connection.bytes(length) else { return nil }
        return Frame(opcode: head[0] & 0x0F, payload: payload)
    }

    /// The next text frame; pings are passed over. nil: the connection ended, with a close frame or without.
    func text() throws -> String? {
        while let frame = try frame() {
            if frame.opcode == 1 { return frame.text }
            if frame.opcode == 8 { return nil }
        }
        return nil
    }

    /// The lines of text frames until `count` have come, or the connection ends.
    func lines(_ count: Int) throws -> [TailLine] {
        var lines: [TailLine] = []
        while lines.count < count, let text = try text() { lines += TailLine.parse(text).lines }
        return lines
    }

    func send(_ opcode: UInt8, _ payload: [UInt8] = []) throws {
        let mask: [UInt8] = [1, 2, 3, 4]
        var bytes: [UInt8] = [0x80 | opcode, 0x80 | UInt8(payload.count)]
        bytes += mask
        for (i, byte) in payload.enumerated() { bytes.append(byte ^ mask[i % 4]) }
        try connection.write(bytes)
    }
}

/// One line as a tail shows it. The parser knows only the shape that Loki's clients know, and that as strictly as they.
struct TailLine: Equatable, Hashable {
    var labels: [String: String]
    var timestamp: Int64
    var line: String

    struct Message {
        var lines: [TailLine] = []
        var dropped: [(timestamp: Int64, labels: [String: String])] = []
    }

    static func parse(_ text: String) -> Message {
        var message = Message()
        guard let document = JSONValue.parse(text) else { return message }
        for stream in document["streams"]?.items ?? [] {
            let labels = stream["stream"]?.strings ?? [:]
            for value in stream["values"]?.items ?? [] {
                guard case .string(let time)? = value.items.first, let time = Int64(time), value.items.count >= 2,
                    case .string(let line) = value.items[1]
                else { continue }
                message.lines.append(TailLine(labels: labels, timestamp: time, line: line))
            }
        }
        for dropped in document["dropped_entries"]?.items ?? [] {
            guard let time = dropped["timestamp"]?.text.flatMap({ Int64($0) }) else { continue }
            message.dropped.append((time, dropped["labels"]?.strings ?? [:]))
        }
        return message
    }
}
