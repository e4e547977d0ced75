import Bytes

/// Reads one answer of HTTP/1.1 as it comes: status, headers, and a body that is chunked, counted, or ends with the connection.
///
/// The body is appended to the caller's arena without waiting for its end, so that answers without one (events, logs) can be
/// followed. Heads over 64 KiB and anything malformed are failures.
struct HTTPResponseReader {
    private enum Phase: Equatable {
        case status, headers
        case counted(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd, trailers
        case untilClose
        case done
    }

    /// nil until the whole head is there.
    private(set) var status: Int?
    private var code = 0
    /// Names in lower case.
    private var headers: [String: String] = [:]
    private var phase = Phase.status
    /// The beginning of a line of the head, or between chunks.
    private var line: [UInt8] = []
    private var headSize = 0

    private static let headMax = 64 << 10

    var isDone: Bool { phase == .done }
    func header(_ name: String) -> String? { headers[name] }

    /// Takes what came. Bytes behind the end of the answer are passed over.
    mutating func feed(_ bytes: ByteView, into body: ByteArena) throws(HTTPFailure) {
        var at = 0
        while at < bytes.count {
            switch phase {
            case .counted(let left):
                let count = min(left, bytes.count - at)
                body.append(bytes[at..<at + count])
                at += count
                phase = left == count ? .done : .counted(left: left - count)
            case .chunk(let left):
                let count = min(left, bytes.count - at)
                body.append(bytes[at..<at + count])
                at += count
                phase = left == count ? .chunkEnd : .chunk(left: left - count)
            case .untilClose:
                body.append(bytes.suffix(from: at))
                return
            case .done: return
            case .status, .headers, .chunkSize, .chunkEnd, .trailers:
                let newline = bytes.firstIndex(of: 0x0A, from: at)
                let end = newline ?? bytes.count
                headSize += end - at
                guard headSize <= Self.headMax else { throw HTTPFailure("the head of an answer is longer than \(Self.headMax) bytes") }
                line += bytes[at..<end].copy()
                at = end + 1
                if newline != nil {
                    if line.last == 0x0D { line.removeLast() }
                    let text = String(decoding: line, as: UTF8.self)
                    line.removeAll(keepingCapacity: true)
                    try take(text)
                }
            }
        }
    }

    /// The connection was closed.
    mutating func end() throws(HTTPFailure) {
        switch phase {
        case .done: return
        case .untilClose: phase = .done
        case .status where headSize == 0: throw HTTPFailure("the connection was closed without an answer")
        default: throw HTTPFailure("the connection was closed in the middle of an answer")
        }
    }

    private mutating func take(_ text: String) throws(HTTPFailure) {
        switch phase {
        case .status:
            let parts = text.split(separator: " ", maxSplits: 2)
            guard parts.count >= 2, parts[0].hasPrefix("HTTP/1."), let number = Int(parts[1]), (100...599).contains(number) else {
                throw HTTPFailure("what answers there does not speak HTTP")
            }
            code = number
            phase = .headers
        case .headers:
            if text.isEmpty { return try endHead() }
            guard let colon = text.firstIndex(of: ":") else { throw HTTPFailure("a header without a colon") }
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[text[..<colon].lowercased()] = String(value)
        case .chunkSize:
            let digits = text.prefix { $0 != ";" && $0 != " " }
            guard let size = Int(digits, radix: 16), size >= 0 else { throw HTTPFailure("a chunk without a size") }
            headSize = 0
            phase = size == 0 ? .trailers : .chunk(left: size)
        case .chunkEnd:
            guard text.isEmpty else { throw HTTPFailure("a chunk is longer than its size") }
            phase = .chunkSize
        case .trailers: if text.isEmpty { phase = .done }
        default: break
        }
    }

    private mutating func endHead() throws(HTTPFailure) {
        headSize = 0
        if code < 200, code != 101 {
            // An answer before the answer.
            headers = [:]
            phase = .status
            return
        }
        status = code
        if code == 204 || code == 304 {
            phase = .done
        } else if headers["transfer-encoding"]?.lowercased().hasSuffix("chunked") ?? false {
            phase = .chunkSize
        } else if let text = headers["content-length"] {
            guard let length = Int(text), length >= 0 else { throw HTTPFailure("an answer of \(text) bytes") }
            phase = length == 0 ? .done : .counted(left: length)
        } else {
            phase = .untilClose
        }
    }
}
