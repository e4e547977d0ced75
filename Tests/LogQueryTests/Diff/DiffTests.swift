import Bytes
import Disk
import Glibc
import LogModel
import LogStore
import LogTestKit
import Metrics
import Testing

@testable import LogQuery

@Suite struct DiffTests {
    static let isTorture = getenv("TAILRACE_TORTURE") != nil

    /// One planted change is what the report names first, in 95 of 100 deploys: of 10,000 templates in torture, of 1,000
    /// here.
    @Test(.timeLimit(.minutes(60)), arguments: DeployScenario.Plant.allCases)
    func thePlantedChangeIsFirst(plant: DeployScenario.Plant) async throws {
        let runs = Self.isTorture ? 100 : 3
        var good = 0
        var most = 0
        for seed in 0..<UInt64(runs) {
            let scenario = DeployScenario(
                seed: seed * 7 + 1, plant: plant, templates: Self.isTorture ? 10_000 : 1_000,
                rows: Self.isTorture ? 100_000 : 20_000)
            let store = try await scenario.store()
            let report = try DiffEngine(store: store).run(
                DiffRequest(before: scenario.before, after: scenario.after, by: plant == .oneHost ? "host" : nil))
            most = max(most, report.found)
            if scenario.isFirst(in: report) {
                good += 1
            } else if !Self.isTorture {
                let first = report.changes.first
                Issue.record(
                    "seed \(seed): wanted \(scenario.direction) \(scenario.field) '\(scenario.text)' \(scenario.groups), got \(String(describing: first))"
                )
            }
            await store.close()
        }
        #expect(good * 100 >= runs * 95)
        if Self.isTorture { print("diff: \(plant.rawValue) first in \(good) of \(runs), at most \(most) changes found") }
    }

    /// Two hours of the same service, one of them busier: nothing to tell.
    @Test func volumeAloneIsNoChange() async throws {
        let scenario = DeployScenario(seed: 5, plant: .newText, templates: 500, rows: 20_000)
        let store = try await scenario.store()
        let middle = Timestamp(nanoseconds: scenario.before.start.nanoseconds + 600_000_000_000)
        let report = try DiffEngine(store: store).run(
            DiffRequest(before: TimeRange(scenario.before.start, middle), after: TimeRange(middle, scenario.before.end)))
        #expect(report.before.rows > 2_000 && report.after.rows > 4 * report.before.rows)
        #expect(abs(report.scale - 5) < 0.5)
        #expect(report.changes.isEmpty, "\(report.changes.prefix(3))")
        // The ids and measurements of every line are named as left out.
        #expect(Set(report.leftOut).isSuperset(of: ["id", "ms", "user"]))
        await store.close()
    }

    private func store(_ lines: [(time: Int64, text: String)]) -> MemoryStore {
        let store = MemoryStore(blockSize: 100, pushdown: .none)
        for line in lines { store.add(Labels(["app": "a"]), line.time * 1_000_000_000, ByteString(line.text), Labels()) }
        return store
    }

    private static let windows = (
        TimeRange(Timestamp(nanoseconds: 0), Timestamp(nanoseconds: 1_000_000_000_000)),
        TimeRange(Timestamp(nanoseconds: 1_000_000_000_000), Timestamp(nanoseconds: 2_000_000_000_000))
    )

    /// A store that knows no columns is read line by line. A flood of errors does not make the rest look rarer.
    @Test func aFloodDoesNotMakeTheRestLookRare() throws {
        var lines: [(Int64, String)] = []
        for i in 0..<2_000 {
            lines.append((Int64(i), #"{"level":"info","task":"t\#(i % 10)","msg":"task \#(i) done"}"#))
            if i >= 1_000 {
                for j in 0..<4 { lines.append((Int64(i), #"{"level":"error","err":"E\#(j)","msg":"disk \#(i) is full"}"#)) }
            }
        }
        let report = try DiffEngine(store: store(lines)).run(
            DiffRequest(before: Self.windows.0, after: Self.windows.1, limit: 0))
        #expect(report.changes.first?.text == "disk <_> is full")
        #expect(report.changes.first?.kind == "text")
        // Fields that the errors have too are in more lines; nothing is rarer.
        #expect(report.changes.allSatisfy { $0.direction == .new || $0.direction == .more })
        #expect(report.changes.contains { $0.kind == "value" && $0.field == "err" && $0.text == "E3" && $0.after == 1_000 })
        #expect(report.changes.contains { $0.kind == "field" && $0.text == "err" })
        #expect(report.found == report.changes.count)
        #expect(abs(report.scale - 1) < 0.01)
    }

    @Test func whatIsHiddenIsNotCounted() throws {
        var lines: [(Int64, String)] = []
        for i in 0..<2_000 { lines.append((Int64(i), i >= 1_000 && i % 2 == 0 ? "secret \(i) out" : "job \(i) done")) }
        let base = store(lines)
        let deletions = OneDeletion(
            request: DeleteRequest(
                id: "1", tenant: .fake, query: #"{app="a"} |= "secret""#, start: 0, end: .max, createdAt: 0))
        let request = DiffRequest(before: Self.windows.0, after: Self.windows.1)
        #expect(try DiffEngine(store: base).run(request).changes.first?.text == "secret <_> out")
        let hiding = HidingReader(base, deletions: deletions)
        #expect(try !DiffEngine(store: hiding).run(request).changes.contains { $0.text == "secret <_> out" })
    }

    @Test func badWindowsAreRefused() {
        let store = MemoryStore(blockSize: 10, pushdown: .none)
        let (before, after) = Self.windows
        for request in [
            DiffRequest(before: before, after: before),
            DiffRequest(before: TimeRange(before.start, before.start), after: after),
            DiffRequest(before: .all, after: after),
            DiffRequest(before: before, after: after, limit: -1),
        ] {
            #expect(throws: QueryError.self) { try DiffEngine(store: store).run(request) }
        }
    }
}

private struct OneDeletion: DeletionLog {
    var request: DeleteRequest
    func requests(of tenant: Tenant) -> [DeleteRequest] { tenant == request.tenant ? [request] : [] }
    func add(_ request: DeleteRequest) throws(StoreError) {}
    func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool { false }
}
