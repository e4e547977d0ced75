import Bytes
import Glibc

/// An open connection to a server: a socket that does not block, perhaps not connected yet.
package struct DialedConnection: Sendable {
    package var file: Int32
    /// What went wrong behind it, where the socket itself cannot tell (TLS).
    package var failure: @Sendable () -> String?

    package init(file: Int32, failure: @escaping @Sendable () -> String? = { nil }) {
        self.file = file
        self.failure = failure
    }
}

/// Opens connections. Who can speak TLS gives one that does; without it, `https` is refused.
package typealias HTTPDialer = @Sendable (HTTPServerAddress) throws -> DialedConnection

/// One request and its answer, on a connection of its own, without blocking. Of one thread.
final class HTTPExchange {
    /// Body bytes that came and were not taken yet.
    let body = ByteArena(capacity: 4096)
    private let connection: DialedConnection
    private let address: HTTPServerAddress
    private var outgoing: [UInt8]
    private var sent = 0
    private var reader = HTTPResponseReader()
    private(set) var isOver = false

    /// Bytes read at once.
    private static let step = 64 << 10

    /// Begins a request. Throws what the dialer throws, and a `SystemError` for a token file that cannot be read.
    init(_ target: String, at address: HTTPServerAddress, dial: HTTPDialer) throws {
        outgoing = try address.request(target)
        self.address = address
        connection = try dial(address)
    }

    deinit { System.close(connection.file) }

    /// nil until the head of the answer is there.
    var status: Int? { reader.status }
    func header(_ name: String) -> String? { reader.header(name) }
    private var isSending: Bool { sent < outgoing.count }

    var poll: pollfd { pollfd(fd: connection.file, events: Int16(isSending ? POLLOUT : POLLIN), revents: 0) }

    /// Sends or receives what is possible now, a bounded piece of it. Throws an `HTTPFailure` when the exchange fails.
    func step() throws {
        if isOver { return }
        if isSending {
            let count = outgoing[sent...].withUnsafeBytes { send(connection.file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 { sent += count }
            if count < 0, ![EAGAIN, EINTR, ENOTCONN].contains(errno) { throw failure(errno) }
            return
        }
        let chunk = ByteArena(capacity: Self.step)
        var count = 0
        var code: Int32 = 0
        chunk.appendUnsafe(capacity: Self.step) { room in
            count = recv(connection.file, room.baseAddress, room.count, 0)
            code = errno
            return max(0, count)
        }
        if count < 0 {
            if code == EAGAIN || code == EINTR { return }
            throw failure(code)
        }
        do throws(HTTPFailure) {
            if count == 0 {
                try reader.end()
            } else {
                defer { withExtendedLifetime(chunk) {} }
                try reader.feed(chunk.view, into: body)
            }
        } catch {
            throw connection.failure().map { HTTPFailure("\(address.name): \($0)") } ?? HTTPFailure("\(address.name): \(error)")
        }
        isOver = reader.isDone
    }

    private func failure(_ code: Int32) -> HTTPFailure {
        if let words = connection.failure() { return HTTPFailure("\(address.name): \(words)") }
        return HTTPFailure("\(address.name): \(String(cString: strerror(code)))")
    }
}

/// Plain connections, over sockets of this host and TCP.
package enum PlainDialer {
    package static let dial: HTTPDialer = { address in
        guard address.tls == nil else { throw HTTPFailure("\(address.name): there is no TLS here") }
        switch address.place {
        case .unix(let path): return DialedConnection(file: try unix(path))
        case .tcp(let host, let port): return DialedConnection(file: try tcp(host, port, address.name))
        }
    }

    private static func unix(_ path: String) throws -> Int32 {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: name.sun_path) else { throw HTTPFailure("unix://\(path): the path is too long for a socket") }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw SystemError("socket", ByteString(path)) }
        // Connecting waits only while the listener's queue is full, and there is no way to be told when it no longer is.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        _ = setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let failed = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, size) }
        }
        if failed != 0 {
            let error = SystemError("connect", ByteString(path))
            System.close(file)
            throw error
        }
        _ = fcntl(file, F_SETFL, O_NONBLOCK)
        return file
    }

    private static func tcp(_ host: String, _ port: Int, _ name: String) throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard status == 0, let list else { throw HTTPFailure("\(name): \(String(cString: gai_strerror(status)))") }
        var file: Int32 = -1
        var code: Int32 = 0
        var next: UnsafeMutablePointer<addrinfo>? = list
        // The first address that can be tried: whether somebody answers there is seen when the request is sent.
        while let one = next?.pointee {
            next = one.ai_next
            file = socket(one.ai_family, flags, 0)
            if file < 0 {
                code = errno
                continue
            }
            // Logs and events may be silent for days; a server that is gone must be noticed all the same.
            var on: Int32 = 1
            _ = setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &on, socklen_t(MemoryLayout<Int32>.size))
            if connect(file, one.ai_addr, one.ai_addrlen) == 0 || errno == EINPROGRESS { return file }
            code = errno
            System.close(file)
        }
        throw HTTPFailure("\(name): \(String(cString: strerror(code)))")
    }

    private static let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
}

/// Two sockets of this process that are connected to each other: one for a reader that polls, one for whoever speaks TLS.
package enum SocketPair {
    /// Neither blocks.
    package static func make() throws -> (ours: Int32, theirs: Int32) {
        var files: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &files) == 0 else { throw SystemError("socketpair") }
        return (files[0], files[1])
    }

    package static func close(_ file: Int32) { System.close(file) }
}
