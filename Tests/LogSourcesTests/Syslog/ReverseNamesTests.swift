import Bytes
import Disk
import Testing

@testable import LogSources

/// A name server that was away held up all messages of a syslog job, five seconds for each new sender.
@Suite struct ReverseNamesTests {
    /// A name server that answers when it is told to.
    private final class Server: Sendable {
        struct State {
            var asked: [ByteString] = []
            var mayAnswer = false
            var names: [ByteString: ByteString] = [:]
        }
        let state = Monitor(State())

        func answer(_ address: ByteString) -> ByteString {
            state.change { $0.asked.append(address) }
            return state.wait { $0.mayAnswer ? .some($0.names[address] ?? ByteString()) : nil } ?? ByteString()
        }
    }

    @Test func nobodyWaits() {
        let server = Server()
        server.state.change { $0.names["10.0.0.1"] = "one.example" }
        let now = Monitor<Int64>(0)
        let names = ReverseNames(isWanted: true, clock: { now.withLock { $0 } }) { server.answer($0) }
        #expect(names.name(of: "10.0.0.1").isEmpty)
        #expect(names.name(of: "10.0.0.2").isEmpty)
        #expect(names.name(of: "10.0.0.1").isEmpty)
        server.state.change { $0.mayAnswer = true }
        #expect(names.settle())
        #expect(names.name(of: "10.0.0.1") == "one.example")
        #expect(names.name(of: "10.0.0.2").isEmpty)
        #expect(server.state.withLock { $0.asked } == ["10.0.0.1", "10.0.0.2"])
        // Failures are asked again after five minutes, names are not.
        server.state.change { $0.names["10.0.0.2"] = "two.example" }
        now.change { $0 = 299_000_000_000 }
        #expect(names.name(of: "10.0.0.2").isEmpty && names.settle())
        #expect(server.state.withLock { $0.asked.count } == 2)
        now.change { $0 = 301_000_000_000 }
        #expect(names.name(of: "10.0.0.2").isEmpty && names.settle())
        #expect(names.name(of: "10.0.0.2") == "two.example")
        #expect(names.name(of: "10.0.0.1") == "one.example")
        #expect(server.state.withLock { $0.asked.count } == 3)
        names.stop()
    }

    @Test func questionsAreBounded() {
        let server = Server()
        let names = ReverseNames(isWanted: true) { server.answer($0) }
        for i in 0..<10_000 { #expect(names.name(of: ByteString("a\(i)")).isEmpty) }
        server.state.change { $0.mayAnswer = true }
        #expect(names.settle())
        // One may have been in work when the queue was full.
        #expect(server.state.withLock { $0.asked.count } <= ReverseNames.questionsMax + 1)
        names.stop()
        #expect(names.name(of: "late").isEmpty)
    }

    @Test func nobodyIsAskedWhereNobodyWantsToKnow() {
        let names = ReverseNames(isWanted: false) { _ in "x" }
        #expect(names.name(of: "10.0.0.1").isEmpty)
        #expect(ReverseNames(isWanted: true) { _ in "x" }.name(of: "").isEmpty)
    }

    @Test func theSystemKnowsItself() {
        let names = ReverseNames(isWanted: true)
        _ = names.name(of: "127.0.0.1")
        #expect(names.settle())
        #expect(names.name(of: "not an address").isEmpty)
        names.stop()
    }
}
