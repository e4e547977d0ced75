import Bytes
import LogModel
import LogQuery
import LokiWire
import NIOCore
import NIOPosix
import Testing

@testable import LogServer

/// A tail without sockets: what it does about batches that were under way while its history was read.
@Suite struct TailTests {
    static func tail(_ hub: TailHub, _ settings: Tail.Settings = Tail.Settings()) throws -> Tail {
        Tail(
            try LiveQuery(#"{app="a"}"#, settings: QuerySettings(), categorized: false), tenant: .fake, hub: hub,
            loop: MultiThreadedEventLoopGroup.singleton.any(), settings: settings)
    }

    static func batch(_ lines: [(Int64, String)], app: String = "a") -> WriteBatch {
        var batch = WriteBatch(tenant: .fake)
        let stream = batch.stream(Labels([Label("app", ByteString(app))]))
        for (time, line) in lines { line.withView { batch.add(timestamp: time, stream: stream, line: $0) } }
        return batch
    }

    static func entry(_ time: Int64, _ line: String) -> LiveQuery.Entry {
        (Labels(["app": "a"]), ResultEntry(timestamp: time, line: ByteString(line)))
    }

    static func lines(_ tail: Tail, _ count: Int) async -> [String] {
        var lines: [String] = []
        while lines.count < count, let message = await tail.next() { lines += message.entries.map { $0.entry.line.string } }
        return lines
    }

    @Test(.timeLimit(.minutes(1))) func whatTheHistoryHeldIsNotShownAgain() async throws {
        let hub = TailHub()
        let tail = try Self.tail(hub)
        #expect(hub.add(tail, limit: 1))
        let before = hub.now
        // Stored and told while the history was being read, which found the first of them.
        let racing = Self.batch([(1, "a"), (2, "b")])
        hub.published(racing, AppendReceipt(stored: 2, duplicates: 0), begun: before)
        tail.begin([Self.entry(1, "a")])
        // An equal line that began later is another one.
        let later = Self.batch([(1, "a")])
        hub.published(later, AppendReceipt(stored: 1, duplicates: 0), begun: hub.now)
        #expect(await Self.lines(tail, 3) == ["a", "b", "a"])
        tail.finish(.clientLeft)
        #expect(await tail.next() == nil || tail.end == .clientLeft)
        #expect(hub.open == 0)
    }

    @Test(.timeLimit(.minutes(1))) func linesThatTheStoreLeftOutAreNotShown() async throws {
        let hub = TailHub()
        let tail = try Self.tail(hub)
        #expect(hub.add(tail, limit: 1))
        tail.begin([])
        let batch = Self.batch([(1, "a"), (2, "b"), (3, "c")])
        hub.published(batch, AppendReceipt(stored: 0, duplicates: 3), begun: hub.now)
        hub.published(batch, AppendReceipt(stored: 1, duplicates: 2, kept: [false, true, false]), begun: hub.now)
        hub.published(Self.batch([(4, "d")], app: "other"), AppendReceipt(stored: 1, duplicates: 0), begun: hub.now)
        hub.published(Self.batch([(5, "e")]), AppendReceipt(stored: 1, duplicates: 0), begun: hub.now)
        #expect(await Self.lines(tail, 2) == ["b", "e"])
        tail.finish(.clientLeft)
    }

    @Test(.timeLimit(.minutes(1))) func whatWasLeftOutIsRememberedUpToALimit() async throws {
        var settings = Tail.Settings()
        settings.pendingMax = 1
        settings.droppedMax = 2
        let hub = TailHub()
        let tail = try Self.tail(hub, settings)
        #expect(hub.add(tail, limit: 1))
        // It has not begun, so nothing is taken from the queue: the first batch fits, others do not.
        for i in 1...5 {
            hub.published(Self.batch([(Int64(i), "x")]), AppendReceipt(stored: 1, duplicates: 0), begun: hub.now)
        }
        tail.begin([])
        var dropped: [Int64] = []
        var shown: [Int64] = []
        while dropped.count + shown.count < 3, let message = await tail.next() {
            dropped += message.dropped.map(\.timestamp)
            shown += message.entries.map(\.entry.timestamp)
        }
        #expect(dropped == [2, 3])
        #expect(shown == [1])
        tail.finish(.clientLeft)
    }

    @Test(.timeLimit(.minutes(1))) func linesCanBeHeldBack() async throws {
        var settings = Tail.Settings()
        settings.delay = 30_000_000
        let hub = TailHub()
        let tail = try Self.tail(hub, settings)
        #expect(hub.add(tail, limit: 1))
        tail.begin([])
        let start = ContinuousClock.now
        hub.published(Self.batch([(1, "x")]), AppendReceipt(stored: 1, duplicates: 0), begun: hub.now)
        #expect(await Self.lines(tail, 1) == ["x"])
        #expect(ContinuousClock.now - start >= .milliseconds(30))
        tail.finish(.clientLeft)
    }
}
