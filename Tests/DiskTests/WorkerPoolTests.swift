import Disk
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    @Test func everyPieceIsDoneOnceAndWaitedFor() {
        let pool = WorkerPool("test", threads: 3)
        for count in [0, 1, 2, 7, 500] {
            let seen = Mutex([Int](repeating: 0, count: count))
            pool.run(count) { number in seen.withLock { $0[number] += 1 } }
            #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    /// Work that brings work of its own must not wait for threads that wait for it.
    @Test func jobsMayBeNestedAndCallersMany() {
        let pool = WorkerPool("test", threads: 2)
        let sum = Atomic(0)
        let callers = (0..<4).compactMap { _ in
            Worker("caller") {
                pool.run(10) { _ in pool.run(10) { _ in sum.add(1, ordering: .relaxed) } }
            }
        }
        for caller in callers { caller.join() }
        #expect(sum.load(ordering: .relaxed) == callers.count * 100)
    }
}
