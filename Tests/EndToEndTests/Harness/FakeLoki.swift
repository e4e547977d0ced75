import Bytes
import Disk
import Glibc
import Synchronization

/// A server that takes pushes and answers what a test says: one request a connection, each on a thread of its own.
final class FakeLoki: Sendable {
    struct Push: Sendable {
        var tenant: String?
        var batch: String?
        var status: Int
    }

    let port: Int
    private let listener: Int32
    private let pushes = Mutex<[Push]>([])
    private let acceptor = Mutex<Worker?>(nil)

    var url: String { "http://127.0.0.1:\(port)/loki/api/v1/push" }
    var all: [Push] { pushes.withLock { $0 } }
    var accepted: [Push] { all.filter { $0.status < 300 } }

    /// `answer`: the status for a request, by its number from 0.
    init(_ answer: @escaping @Sendable (Int) -> Int = { _ in 204 }) throws {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard handle >= 0 else { throw HarnessError("no socket: \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer -> Int? in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(handle, raw, length) == 0, listen(handle, 64) == 0, getsockname(handle, raw, &length) == 0 else {
                    return nil
                }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
        guard let bound else { throw HarnessError("cannot listen: \(errno)") }
        port = bound
        listener = handle
        let worker = Worker("fake-loki") { [weak self] in
            while true {
                let connection = accept(handle, nil, nil)
                if connection < 0 {
                    if errno == EINTR { continue }
                    return
                }
                self?.serve(connection, answer)
                close(connection)
            }
        }
        acceptor.withLock { $0 = worker }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        acceptor.withLock { $0?.join() }
        close(listener)
    }

    private func serve(_ connection: Int32, _ answer: (Int) -> Int) {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var head: HTTP.Answer?
        while true {
            if head == nil, let border = bytes.withView({ $0.firstRange(of: ByteView("\r\n\r\n")) }) {
                // A request's head read as an answer's: only its headers count.
                let lines = String(decoding: bytes[..<border], as: UTF8.self).split(separator: "\r\n").dropFirst()
                head = HTTP.Answer(
                    status: 0,
                    headers: lines.compactMap { line in
                        guard let colon = line.firstIndex(of: ":") else { return nil }
                        return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
                    }, body: [])
                bytes.removeFirst(border + 4)
            }
            if let head, bytes.count >= Int(head["Content-Length"] ?? "0") ?? 0 { break }
            let count = recv(connection, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            bytes += chunk[..<count]
        }
        let status = pushes.withLock { pushes in
            let status = answer(pushes.count)
            pushes.append(Push(tenant: head?["X-Scope-OrgID"], batch: head?["X-Tailrace-Batch"], status: status))
            return status
        }
        try? HTTP.writeAll(
            connection, Array("HTTP/1.1 \(status) Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
    }
}
