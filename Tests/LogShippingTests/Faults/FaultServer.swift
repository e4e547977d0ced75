import Bytes
import Disk
import Glibc
import NIOCore
import Synchronization

@testable import LogShipping

/// A push server that misbehaves as a test says: connections of its own, each on a thread, kept alive between requests.
final class FaultServer: Sendable {
    enum Reply: Sendable {
        case status(Int, headers: [String] = [], text: String = "")
        /// Takes what was sent and never answers.
        case takenAndSilent
        /// Takes nothing and never answers.
        case silent
        /// Reads some of the body, then resets the connection.
        case reset
        /// Answers half of a body, then nothing.
        case halfAnswer
    }

    struct Request: Sendable {
        var number: Int
        var headers: [String: String]
        /// `LABELS LINE` of each entry.
        var lines: [String]
        var batch: String? { headers["x-tailrace-batch"] }
    }

    private struct State {
        var requests: [Request] = []
        var taken: [String] = []
        var known: Set<String> = []
        var open: Set<Int32> = []
        var isOver = false
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())
    private let reply: @Sendable (Request) -> Reply

    var url: String { "http://127.0.0.1:\(port)/loki/api/v1/push" }
    var requests: [Request] { state.withLock { $0.requests } }
    /// Lines taken, in order; a batch under a number that was taken before counts once.
    var taken: [String] { state.withLock { $0.taken } }

    init(_ reply: @escaping @Sendable (Request) -> Reply = { _ in .status(204) }) {
        self.reply = reply
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(handle, raw, length) == 0, listen(handle, 64) == 0, getsockname(handle, raw, &length) == 0 else {
                    return 0
                }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
        listener = handle
        _ = Worker("fault-server") { [self] in
            while true {
                let connection = accept(handle, nil, nil)
                if connection < 0 {
                    if errno == EINTR { continue }
                    return
                }
                let isWanted = state.withLock { state in
                    if !state.isOver { state.open.insert(connection) }
                    return !state.isOver
                }
                guard isWanted else {
                    Glibc.close(connection)
                    continue
                }
                _ = Worker("fault-one") { [self] in
                    serve(connection)
                    state.withLock { _ = $0.open.remove(connection) }
                    Glibc.close(connection)
                }
            }
        }
    }

    func stop() {
        state.withLock { state in
            state.isOver = true
            for connection in state.open { shutdown(connection, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    private func serve(_ connection: Int32) {
        var bytes: [UInt8] = []
        while true {
            guard let border = fill(connection, &bytes, until: { $0.withView { $0.firstRange(of: ByteView("\r\n\r\n")) } })
            else { return }
            var headers: [String: String] = [:]
            for line in String(decoding: bytes[..<border], as: UTF8.self).split(separator: "\r\n").dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
            }
            bytes.removeFirst(border + 4)
            let length = Int(headers["content-length"] ?? "0") ?? 0
            guard fill(connection, &bytes, until: { $0.count >= length ? length : nil }) != nil else { return }
            let body = ByteBuffer(bytes: bytes.prefix(length))
            bytes.removeFirst(length)
            var lines: [String] = []
            if let pieces = PushPieces(body) {
                for index in 0..<pieces.count {
                    let letter = pieces.letter(index)
                    lines.append("\(letter.labels) \(letter.line.string)")
                }
            }
            let request = state.withLock { state in
                let request = Request(number: state.requests.count, headers: headers, lines: lines)
                state.requests.append(request)
                return request
            }
            switch reply(request) {
            case .status(let status, let more, let text):
                if (200..<300).contains(status) { take(request) }
                let head = ["HTTP/1.1 \(status) Said", "Content-Length: \(text.utf8.count)"] + more
                send(connection, head.joined(separator: "\r\n") + "\r\n\r\n" + text)
            case .takenAndSilent:
                take(request)
                _ = fill(connection, &bytes, until: { _ in nil })
                return
            case .silent:
                _ = fill(connection, &bytes, until: { _ in nil })
                return
            case .halfAnswer:
                send(connection, "HTTP/1.1 500 Said\r\nContent-Length: 100\r\n\r\nhalf")
                _ = fill(connection, &bytes, until: { _ in nil })
                return
            case .reset:
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
                return
            }
        }
    }

    private func take(_ request: Request) {
        state.withLock { state in
            if let batch = request.batch, !state.known.insert(batch).inserted { return }
            state.taken += request.lines
        }
    }

    private func fill(_ connection: Int32, _ bytes: inout [UInt8], until: ([UInt8]) -> Int?) -> Int? {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            if let found = until(bytes) { return found }
            let count = recv(connection, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            bytes += chunk[..<count]
        }
    }

    private func send(_ connection: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
