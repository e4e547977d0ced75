import Dispatch
import LogShipping
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2))) struct DeliveryQueueTests {
    private final class Outcomes: Sendable {
        let list = Mutex<[String]>([])
        func add(_ text: String) { list.withLock { $0.append(text) } }
        var all: [String] { list.withLock { $0 } }
    }

    /// `submit` blocks, so it may not run on Swift's own threads.
    private static func onThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            DispatchQueue.global().async {
                body()
                continuation.resume()
            }
        }
    }

    @Test func parcelsAreDeliveredInOrderAndReportedOnce() async {
        let outcomes = Outcomes()
        let queue = DeliveryQueue<Int, String>(waitingMax: 2, givenUp: "late") { "done \($0)" }
        await Self.onThread { for number in 0..<100 { queue.submit(number) { outcomes.add($0) } } }
        await queue.drain()
        #expect(outcomes.all == (0..<100).map { "done \($0)" })
    }

    /// A collector could not be stopped while its destination was away: its thread stood in `submit`, behind a request
    /// that was tried again and again.
    @Test func givingUpFreesWhoWaits() async {
        let outcomes = Outcomes()
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let queue = DeliveryQueue<Int, String>(waitingMax: 1, givenUp: "late") { number in
            begin.yield()
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
            return "cancelled \(number)"
        }
        let sources = Task { await Self.onThread { for number in 0..<20 { queue.submit(number) { outcomes.add($0) } } } }
        for await _ in begun { break }
        queue.giveUp()
        await sources.value
        await queue.drain()
        #expect(outcomes.all == ["cancelled 0"] + [String](repeating: "late", count: 19))
    }

    @Test func afterTheEndParcelsAreTurnedAway() async {
        let outcomes = Outcomes()
        let queue = DeliveryQueue<Int, String>(waitingMax: 1, givenUp: "late") { "done \($0)" }
        await queue.drain()
        await Self.onThread { for number in 0..<3 { queue.submit(number) { outcomes.add($0) } } }
        #expect(outcomes.all == ["late", "late", "late"])
    }
}
