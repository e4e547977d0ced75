import Bytes
import Glibc
import LogModel
import Synchronization

/// Asks a server, on the thread of a source: short answers as a whole, long ones through `HTTPExchange` of the caller. Ends early
/// when the source is stopped.
struct HTTPLoop: ~Copyable {
    /// The source is stopping.
    struct Stopped: Error {}

    let address: HTTPServerAddress
    let dial: HTTPDialer
    let wakeUp: WakeUp

    /// How long an answer may take before it begins, or go on without a byte, nanoseconds.
    var patience: Int64 = 30_000_000_000
    /// Bytes of a short answer. 10,000 containers take about 20 MiB.
    private static let bodyMax = 256 << 20

    init(address: HTTPServerAddress, dial: @escaping HTTPDialer, wakeUp: WakeUp) {
        self.address = address
        self.dial = dial
        self.wakeUp = wakeUp
    }

    func begin(_ target: String) throws -> HTTPExchange { try HTTPExchange(target, at: address, dial: dial) }

    /// Waits until the head of an answer is there, for two seconds at most: some servers send it with the first byte of the body.
    func awaitHead(of exchange: HTTPExchange, stopped: borrowing Atomic<Bool>) throws {
        let end = Monotonic.now() &+ 2_000_000_000
        var deadline = Monotonic.now() &+ patience
        while exchange.status == nil, Monotonic.now() < end { try turn(exchange, &deadline, stopped) }
    }

    /// The body of a short answer. Throws an `HTTPFailure` with the status for all but 2xx.
    func fetch(_ target: String, stopped: borrowing Atomic<Bool>) throws -> [UInt8] {
        let exchange = try begin(target)
        var deadline = Monotonic.now() &+ patience
        while !exchange.isOver {
            try turn(exchange, &deadline, stopped)
            guard exchange.body.count <= Self.bodyMax else { throw HTTPFailure("\(address.name): an answer of more than \(Self.bodyMax) bytes") }
        }
        try Self.check(exchange, address)
        return exchange.body.view.copy()
    }

    /// As `fetch`, read as JSON.
    func document(_ target: String, stopped: borrowing Atomic<Bool>) throws -> JSONTree {
        let bytes = try fetch(target, stopped: stopped)
        guard let tree = bytes.withView({ JSONTree($0) }) else {
            throw HTTPFailure("\(address.name): the answer to \(target.prefix { $0 != "?" }) is no JSON")
        }
        return tree
    }

    /// Refuses an answer whose status is not 2xx, with the words that it brought.
    static func check(_ exchange: HTTPExchange, _ address: HTTPServerAddress) throws {
        guard let status = exchange.status, !(200..<300).contains(status) else { return }
        let message = JSONTree(exchange.body.view)?["message"]?.text ?? exchange.body.view.prefix(200).trimmed.string
        throw HTTPFailure("\(address.name) answers \(status)\(message.isEmpty ? "" : ": \(message)")", status: status)
    }

    private func turn(_ exchange: HTTPExchange, _ deadline: inout Int64, _ stopped: borrowing Atomic<Bool>) throws {
        if stopped.load(ordering: .relaxed) { throw Stopped() }
        let left = (deadline &- Monotonic.now()) / 1_000_000
        guard left > 0 else { throw HTTPFailure("\(address.name) does not answer") }
        var polls = [exchange.poll]
        try Self.wait(&polls, wakeUp, milliseconds: min(Int(left), 500))
        guard polls[0].revents != 0 else { return }
        let before = exchange.body.count
        try exchange.step()
        if exchange.body.count > before { deadline = Monotonic.now() &+ patience }
    }

    /// Waits until something can be done with one of `polls`, or the wake-up signals.
    static func wait(_ polls: inout [pollfd], _ wakeUp: WakeUp, milliseconds: Int) throws {
        polls.append(pollfd(fd: wakeUp.readable, events: Int16(POLLIN), revents: 0))
        let count = poll(&polls, nfds_t(polls.count), Int32(clamping: max(0, milliseconds)))
        if count < 0, errno != EINTR { throw SystemError("poll") }
        if let last = polls.popLast(), last.revents != 0 { wakeUp.clear() }
        // Nothing is known of the others then.
        if count < 0 { for i in polls.indices { polls[i].revents = 0 } }
    }
}
