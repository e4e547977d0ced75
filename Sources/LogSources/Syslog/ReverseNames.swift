import Bytes
import Disk
import Glibc
import LogModel

/// Names of addresses by reverse DNS, asked by a thread of its own: a name server that is away takes seconds for each answer, and
/// nobody's messages wait for it. Until there is an answer an address has no name.
///
/// Names are kept as long as there is room for them, failures for five minutes. From any thread.
package final class ReverseNames: Sendable {
    private struct State {
        var known: [ByteString: Known] = [:]
        var questions: [ByteString] = []
        var isWorking = false
        var isOver = false
    }

    private struct Known {
        /// nil while the question is open, empty where there is none.
        var name: ByteString?
        /// When to ask again, monotonic nanoseconds.
        var until = Int64.max
    }

    private let isWanted: Bool
    private let ask: @Sendable (ByteString) -> ByteString
    private let clock: @Sendable () -> Int64
    private let state = Monitor(State())

    /// Addresses; beyond it all are forgotten.
    private static let knownMax = 4096
    /// Open questions. Further addresses have no name until they come again: senders of datagrams can be of any number.
    static let questionsMax = 256
    private static let failureKept: Int64 = 300_000_000_000

    package convenience init(isWanted: Bool) { self.init(isWanted: isWanted, ask: Self.ask) }

    init(isWanted: Bool, clock: @escaping @Sendable () -> Int64 = { Monotonic.now() }, ask: @escaping @Sendable (ByteString) -> ByteString) {
        self.isWanted = isWanted
        self.clock = clock
        self.ask = ask
    }

    /// Empty when there is none, when nobody wants to know, or when it is not known yet. Never waits.
    package func name(of address: ByteString) -> ByteString {
        guard isWanted, !address.isEmpty else { return ByteString() }
        let now = clock()
        let (name, startsWorker) = state.change { state -> (ByteString, Bool) in
            if let known = state.known[address], known.name == nil || now < known.until { return (known.name ?? ByteString(), false) }
            guard !state.isOver, state.questions.count < Self.questionsMax else { return (ByteString(), false) }
            if state.known.count >= Self.knownMax { state.known = state.known.filter { $0.value.name == nil } }
            state.known[address] = Known()
            state.questions.append(address)
            defer { state.isWorking = true }
            return (ByteString(), !state.isWorking)
        }
        // The thread is not waited for at the end: it may be in the middle of a question.
        if startsWorker, Worker("reverse-dns", { [self] in work() }) == nil {
            state.change { state in
                state.isWorking = false
                for address in state.questions { state.known[address] = nil }
                state.questions = []
            }
        }
        return name
    }

    /// No further questions.
    package func stop() { state.change { $0.isOver = true } }

    private func work() {
        while let address = state.wait({ state -> ByteString?? in
            if state.isOver { return .some(nil) }
            return state.questions.isEmpty ? nil : .some(state.questions.removeFirst())
        }) ?? nil {
            let name = ask(address)
            let until = name.isEmpty ? clock() &+ Self.failureKept : .max
            state.change { $0.known[address] = Known(name: name, until: until) }
        }
    }

    private static func ask(_ address: ByteString) -> ByteString {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.string, nil, &hints, &found) == 0, let first = found else { return ByteString() }
        defer { freeaddrinfo(first) }
        var name = [CChar](repeating: 0, count: 1025)
        guard getnameinfo(first.pointee.ai_addr, first.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NAMEREQD) == 0
        else { return ByteString() }
        return ByteString(name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }

    // MARK: - Testing

    /// Waits until every question has its answer.
    func settle() -> Bool { state.wait(timeout: 30_000_000_000) { state in state.known.values.allSatisfy { $0.name != nil } ? true : nil } ?? false }
}
