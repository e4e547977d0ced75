import Glibc
import LogModel
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import LogServer

enum Waiting {
    /// Gives the processor to others for a moment, in code that stands in for work.
    static func briefly() {
        var pause = timespec(tv_sec: 0, tv_nsec: 1_000_000)
        nanosleep(&pause, nil)
    }
}

@Suite struct WorkLaneTests {
    static let loop = MultiThreadedEventLoopGroup.singleton.any()

    @Test func valuesAndErrorsComeBack() async throws {
        let lane = WorkLane(threads: 2, waitingMax: 10)
        defer { lane.stop() }
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for i in 0..<10 {
                group.addTask { try await lane.run(timeout: nil, cancel: CancelFlag(), loop: Self.loop) { i * i } }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(values == Set((0..<10).map { $0 * $0 }))
        await #expect(throws: Refusal(418, "x")) {
            try await lane.run(timeout: nil, cancel: CancelFlag(), loop: Self.loop) { throw Refusal(418, "x") }
        }
    }

    @Test func whatIsCancelledBeforeItsTurnNeverRuns() async throws {
        let lane = WorkLane(threads: 1, waitingMax: 10)
        defer { lane.stop() }
        let flag = CancelFlag()
        flag.cancel()
        await #expect(throws: Refusal.cancelled) {
            try await lane.run(timeout: nil, cancel: flag, loop: Self.loop) { Issue.record("ran") }
        }
    }

    @Test func aTimeoutSetsTheFlagOfTheWork() async throws {
        let lane = WorkLane(threads: 1, waitingMax: 10)
        defer { lane.stop() }
        let flag = CancelFlag()
        await #expect(throws: Refusal.timeout) {
            try await lane.run(timeout: 10_000_000, cancel: flag, loop: Self.loop) {
                while !flag.isCancelled { Waiting.briefly() }
            }
        }
        // The thread is free again.
        #expect(try await lane.run(timeout: nil, cancel: CancelFlag(), loop: Self.loop) { 1 } == 1)
    }

    @Test func byteGate() {
        let gate = ByteGate(limit: 10)
        #expect(gate.take(10))
        #expect(!gate.take(1))
        gate.give(4)
        #expect(gate.take(4))
        gate.give(10)
        #expect(gate.current == 0)
    }
}
