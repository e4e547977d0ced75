import Glibc
import NIOPosix

/// Blocking work of tests, away from the threads that the server's tasks need.
enum Blocking {
    static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(body)
    }

    /// On a thread of its own: for what waits for something that others do by `run`, whose threads are few.
    static func apart<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        do {
            let result = try await pool.runIfActive(body)
            try await pool.shutdownGracefully()
            return result
        } catch {
            try await pool.shutdownGracefully()
            throw error
        }
    }
}

struct TestReply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    subscript(name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }
}

/// HTTP/1.1 over a socket, as plain as it gets, so that tests can misbehave.
final class TestClient: @unchecked Sendable {
    // Sendable: a test uses a client from one thread at a time.
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var chunked: [UInt8] = []

    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: \(errno)") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        // A test that waits for ever is worse than one that fails.
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw TestFailure("connect: \(errno)") }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw TestFailure("send: \(errno)") }
            sent += count
        }
    }

    func write(_ text: String) throws { try write(Array(text.utf8)) }

    func send(_ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []) throws {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        for header in headers { head += "\(header.0): \(header.1)\r\n" }
        if !body.isEmpty || method == "POST" { head += "Content-Length: \(body.count)\r\n" }
        try write(Array((head + "\r\n").utf8) + body)
    }

    /// Reads more; false at the end of the stream.
    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0 {
            if errno == ECONNRESET { return false }
            throw TestFailure("recv: \(errno)")
        }
        buffer += chunk[..<count]
        return count > 0
    }

    /// One answer. Throws where the connection ends before it is complete.
    func receive(hasBody: Bool = true) throws -> TestReply {
        let end = Array("\r\n\r\n".utf8)
        var headEnd: Int?
        while headEnd == nil {
            headEnd = buffer.indices.first { i in i + 4 <= buffer.count && Array(buffer[i..<i + 4]) == end }
            if headEnd == nil, try !fill() { throw TestFailure("closed before the answer") }
        }
        guard let headEnd else { throw TestFailure("no head") }
        let lines = String(decoding: buffer[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        let headers = lines.dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "")
        }
        buffer.removeFirst(headEnd + 4)
        if status == 100 { return TestReply(status: 100, headers: [], body: []) }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        guard hasBody else { return TestReply(status: status, headers: headers, body: []) }
        while buffer.count < length {
            guard try fill() else { throw TestFailure("closed inside the answer") }
        }
        defer { buffer.removeFirst(length) }
        return TestReply(status: status, headers: headers, body: Array(buffer[..<length]))
    }

    /// Exactly so many bytes; nil where the stream ends before them.
    func bytes(_ count: Int) throws -> [UInt8]? {
        while buffer.count < count {
            guard try fill() else { return nil }
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    /// The next line of a chunked body, its head being received; nil where the stream ends.
    func line() throws -> String? {
        while true {
            if let end = chunked.firstIndex(of: 0x0A) {
                defer { chunked.removeFirst(end + 1) }
                return String(decoding: chunked[..<end], as: UTF8.self)
            }
            var digits: [UInt8] = []
            while digits.suffix(2) != [0x0D, 0x0A] {
                guard let byte = try bytes(1) else { return nil }
                digits += byte
            }
            let size = Int(String(decoding: digits.dropLast(2), as: UTF8.self), radix: 16) ?? 0
            guard size > 0, let piece = try bytes(size), try bytes(2) != nil else { return nil }
            chunked += piece
        }
    }

    /// Waits until the server closes; whatever it still sends is dropped.
    func waitForClose() throws {
        while try fill() { buffer.removeAll() }
    }
}
