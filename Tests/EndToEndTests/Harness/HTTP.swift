import Bytes
import Glibc

/// A blocking HTTP/1.1 client over a plain socket: one request a connection. Small on purpose, so that tests see the bytes.
enum HTTP {
    struct Answer {
        var status: Int
        var headers: [(name: String, value: String)]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }

        subscript(header: String) -> String? {
            headers.first { $0.name.lowercased() == header.lowercased() }?.value
        }
    }

    static func get(_ port: Int, _ path: String, _ parameters: [(String, String)] = [], headers: [(String, String)] = []) throws -> Answer {
        let query = parameters.map { "\($0.0)=\(encode($0.1))" }.joined(separator: "&")
        return try send(port, "GET", query.isEmpty ? path : "\(path)?\(query)", body: [], headers: headers)
    }

    static func post(_ port: Int, _ path: String, body: [UInt8] = [], type: String = "text/plain", headers: [(String, String)] = []) throws -> Answer {
        try send(port, "POST", path, body: body, headers: [("Content-Type", type)] + headers)
    }

    static func push(_ port: Int, json: String) throws -> Answer {
        try post(port, "/loki/api/v1/push", body: Array(json.utf8), type: "application/json")
    }

    /// The one number that an instant query answers; 0 without any.
    static func count(_ port: Int, _ query: String) throws -> Int {
        let answer = try get(port, "/loki/api/v1/query", [("query", query)])
        guard answer.status == 200 else { throw HarnessError("\(answer.status): \(answer.text)") }
        guard let mark = answer.text.firstRange(of: #""value":["#) else { return 0 }
        let words = answer.text[mark.upperBound...].split(separator: "\"", maxSplits: 2)
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }

    static func connect(_ port: Int) throws -> Int32 {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard handle >= 0 else { throw HarnessError("no socket: \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            close(handle)
            throw HarnessError("cannot connect to port \(port): \(errno)")
        }
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(handle, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        return handle
    }

    static func send(_ port: Int, _ method: String, _ path: String, body: [UInt8], headers: [(String, String)]) throws -> Answer {
        let handle = try connect(port)
        defer { close(handle) }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try writeAll(handle, Array((head + "\r\n").utf8) + body)
        return try parse(readAll(handle))
    }

    static func writeAll(_ handle: Int32, _ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(handle, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 {
                if errno == EINTR { continue }
                throw HarnessError("connection lost while sending: \(errno)")
            }
            sent += count
        }
    }

    static func readAll(_ handle: Int32) throws -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(handle, &chunk, chunk.count, 0)
            if count < 0 {
                if errno == EINTR { continue }
                throw HarnessError("connection lost while reading: \(errno)")
            }
            if count == 0 { return all }
            all += chunk[..<count]
        }
    }

    static func parse(_ bytes: [UInt8]) throws -> Answer {
        guard let border = bytes.withView({ $0.firstRange(of: ByteView("\r\n\r\n")) }) else {
            throw HarnessError("the answer has no head: \(bytes.count) bytes")
        }
        let lines = String(decoding: bytes[..<border], as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, let status = Int(first.split(separator: " ").dropFirst().first ?? "") else {
            throw HarnessError("not an HTTP answer")
        }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        var body = Array(bytes[(border + 4)...])
        if headers.contains(where: { $0.name.lowercased() == "transfer-encoding" && $0.value.lowercased() == "chunked" }) {
            body = try dechunk(body)
        }
        return Answer(status: status, headers: headers, body: body)
    }

    private static func dechunk(_ bytes: [UInt8]) throws -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while let end = bytes[at...].firstIndex(of: 0x0D) {
            guard let size = Int(String(decoding: bytes[at..<end], as: UTF8.self), radix: 16), end + 2 + size <= bytes.count else {
                throw HarnessError("bad chunk")
            }
            if size == 0 { return out }
            out += bytes[end + 2..<end + 2 + size]
            at = end + 2 + size + 2
        }
        throw HarnessError("the answer ends early")
    }

    static func encode(_ text: String) -> String {
        text.utf8.map { byte in
            byte.isAlphanumeric || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
