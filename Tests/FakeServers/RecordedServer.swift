import Disk
import Glibc
import LogSources
import Synchronization

/// A small HTTP server for tests, on a Unix socket or on loopback: a thread a connection, one answer a connection.
///
/// The answer is written by the test, piece by piece where it wants, so that servers with endless answers can be played.
final class RecordedServer: Sendable {
    /// How long whoever waits for something of a test waits, nanoseconds.
    static let patience: Int64 = 30_000_000_000

    /// A connection that waits for its answer.
    final class Answer: Sendable {
        /// Path and query, as sent.
        let target: String
        /// Header lines, as sent.
        let headers: [String]
        private let file: Int32

        init(_ target: String, _ headers: [String], _ file: Int32) {
            self.target = target
            self.headers = headers
            self.file = file
        }

        var path: String { String(target.prefix { $0 != "?" }) }
        /// Values of the query, decoded.
        var query: [String: String] {
            var found: [String: String] = [:]
            for pair in target.drop(while: { $0 != "?" }).dropFirst().split(separator: "&") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                found[String(parts[0])] = parts.count > 1 ? Self.decoded(parts[1]) : ""
            }
            return found
        }

        /// The whole answer, with its length.
        func send(_ body: String, status: String = "200 OK") {
            write(Array("HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8))
        }

        func beginChunks() { write(Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)) }
        /// False: the client is gone.
        @discardableResult
        func chunk(_ bytes: [UInt8]) -> Bool { write(Array((String(bytes.count, radix: 16) + "\r\n").utf8) + bytes + [0x0D, 0x0A]) }
        func endChunks() { write(Array("0\r\n\r\n".utf8)) }

        @discardableResult
        func write(_ bytes: [UInt8]) -> Bool {
            var done = 0
            while done < bytes.count {
                let count = bytes[done...].withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count <= 0 { return false }
                done += count
            }
            return true
        }

        /// Whether the client has closed its end.
        var isAbandoned: Bool {
            var poll = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            return Glibc.poll(&poll, 1, 0) > 0
        }

        private static func decoded(_ text: Substring) -> String {
            var out: [UInt8] = []
            var bytes = Array(text.utf8)[...]
            while let byte = bytes.popFirst() {
                if byte == UInt8(ascii: "%"), bytes.count >= 2 {
                    out.append(UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16) ?? 0x3F)
                    bytes = bytes.dropFirst(2)
                } else {
                    out.append(byte)
                }
            }
            return String(decoding: out, as: UTF8.self)
        }
    }

    let address: HTTPServerAddress
    private let listener: Int32
    private let answer: @Sendable (Answer) -> Void
    private let open = Monitor<Set<Int32>>([])
    private let stopped = Atomic<Bool>(false)
    private let workers = Mutex<[Worker]>([])

    /// Listens at `path`, or without one at a free port of loopback.
    init(path: String? = nil, _ answer: @escaping @Sendable (Answer) -> Void) {
        self.answer = answer
        let file: Int32
        if let path {
            file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            unlink(path)
            withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = bind(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
            address = HTTPServerAddress(.unix(path: path))
        } else {
            file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(file, $0, size)
                    _ = getsockname(file, $0, &size)
                }
            }
            address = HTTPServerAddress(.tcp(host: "127.0.0.1", port: Int(UInt16(bigEndian: name.sin_port))))
        }
        listener = file
        listen(listener, 64)
        let acceptor = Worker("test-server") { [self] in accept() }
        workers.withLock { if let acceptor { $0.append(acceptor) } }
    }

    private func accept() {
        while true {
            let file = Glibc.accept(listener, nil, nil)
            if file < 0 { return }
            if stopped.load(ordering: .relaxed) {
                close(file)
                return
            }
            open.change { _ = $0.insert(file) }
            let worker = Worker("test-answer") { [self] in
                serve(file)
                open.change { _ = $0.remove(file) }
                close(file)
            }
            workers.withLock { if let worker { $0.append(worker) } }
        }
    }

    private func serve(_ file: Int32) {
        var head: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !head.suffix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]) {
            let count = recv(file, &chunk, chunk.count, 0)
            if count <= 0 { return }
            head += chunk[..<count]
        }
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n").map { String($0) }
        let words = lines[0].split(separator: " ")
        answer(Answer(String(words[1]), Array(lines.dropFirst()), file))
    }

    /// Breaks all connections off and listens no more.
    func stop() {
        guard !stopped.exchange(true, ordering: .relaxed) else { return }
        _ = shutdown(listener, Int32(SHUT_RDWR))
        // `accept` on a Unix socket returns after its shutdown, with an error.
        open.withLock { for file in $0 { _ = shutdown(file, Int32(SHUT_RDWR)) } }
        for worker in workers.withLock({ list in
            defer { list = [] }
            return list
        }) { worker.join() }
        close(listener)
    }
}
