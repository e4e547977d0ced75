import Disk
import LogSources

/// Messages between the event loop, which must not wait, and the thread that runs pipelines, which does.
///
/// Bounded by bytes: what comes over TCP is not read while there is no room, what comes over UDP is shed.
final class SyslogQueue: Sendable {
    /// Messages of one read, back to back.
    struct Chunk: Sendable {
        var peer: SyslogPeer
        var bytes: [UInt8] = []
        /// Where each message ends in `bytes`.
        var ends: [Int] = []
    }

    private struct State {
        var chunks: [Chunk] = []
        var bytes = 0
        var isOver = false
        var waiting: [@Sendable () -> Void] = []
    }

    private let state = Monitor(State())
    private let bytesMax: Int
    /// What a message costs beside its bytes.
    private static let overhead = 64

    init(bytesMax: Int = 8 << 20) { self.bytesMax = bytesMax }

    private static func cost(_ chunk: Chunk) -> Int { chunk.bytes.count + Self.overhead * (chunk.ends.count + 1) }

    /// Takes it in any case. False: there is no room for more, `whenRoom` tells when there is.
    func put(_ chunk: Chunk) -> Bool {
        state.change { state in
            state.chunks.append(chunk)
            state.bytes += Self.cost(chunk)
            return state.bytes < bytesMax
        }
    }

    /// Takes it where there is room.
    func offer(_ chunk: Chunk) -> Bool {
        state.change { state in
            guard state.bytes < bytesMax else { return false }
            state.chunks.append(chunk)
            state.bytes += Self.cost(chunk)
            return true
        }
    }

    /// Calls `body` once there is room, at once if there is.
    func whenRoom(_ body: @escaping @Sendable () -> Void) {
        let isThere = state.withLock { state in
            if state.bytes < bytesMax || state.isOver { return true }
            state.waiting.append(body)
            return false
        }
        if isThere { body() }
    }

    /// Blocks until there is something; nil at the end.
    func take() -> [Chunk]? {
        let found: [Chunk]?? = state.wait { state in
            if !state.chunks.isEmpty {
                defer { state.chunks = [] }
                return .some(state.chunks)
            }
            return state.isOver ? .some(nil) : nil
        }
        return found ?? nil
    }

    /// What was taken is done with: there is room again.
    func done(_ chunks: [Chunk]) {
        let ready: [@Sendable () -> Void] = state.withLock { state in
            state.bytes -= chunks.reduce(0) { $0 + Self.cost($1) }
            guard state.bytes < bytesMax else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in ready { body() }
    }

    func end() {
        let ready: [@Sendable () -> Void] = state.change { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in ready { body() }
    }
}
