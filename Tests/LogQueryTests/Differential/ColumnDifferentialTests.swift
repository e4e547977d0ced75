import Bytes
import LogModel
import LogQL
import LogStore
import Testing

@testable import LogQuery

/// I4: random queries over random lines, answered from columns and by the row evaluator, which looks at every line. Two
/// thousand pairs in every run, 50,000 with `TAILRACE_TORTURE=1`. Where the two differ, the pair is named by its round and
/// its number.
@Suite struct ColumnDifferentialTests {
    private static let rounds = DifferentialTests.isTorture ? 1_000 : 40
    private static let queriesPerData = 50

    @Test(.timeLimit(.minutes(60))) func columnsAnswerAsLinesDo() async throws {
        var different = 0
        var refused = 0
        var empty = 0
        for round in 0..<Self.rounds {
            let seed = UInt64(round) * 7_919 + 11
            let data = GeneratedData(seed: seed, count: 80 + round % 7 * 60)
            let columns = try await data.columnStore()
            let rows = QueryEngine(store: data.store(blockSize: 1_000, pushdown: .none))
            let engine = QueryEngine(store: columns)
            var maker = QueryMaker(seed: seed &+ 1)
            for number in 0..<Self.queriesPerData {
                let tree = maker.expression()
                let request = Self.request(tree, &maker.dice)
                let expected = Self.answer(rows, request)
                let found = Self.answer(engine, request)
                if expected == nil { refused += 1 }
                if expected?.isEmpty == true { empty += 1 }
                var onlyValues = false
                if case .metric(.vectorAggregation(let aggregation)) = tree { onlyValues = aggregation.parameter != nil }
                if !Self.isSame(expected, found, onlyValues: onlyValues) {
                    different += 1
                    if different <= 10 {
                        Issue.record(
                            "round \(round), query \(number): \(tree)\nlines \(Self.show(expected))\ncolumns \(Self.show(found))")
                    }
                }
            }
            await columns.close()
        }
        let all = Self.rounds * Self.queriesPerData
        #expect(different == 0)
        #expect(empty < all * 2 / 3 && refused < all / 3)
        if DifferentialTests.isTorture {
            print("columns against rows: \(all) pairs, \(refused) refused by both, \(empty) empty, \(different) different")
        }
    }

    private static func request(_ tree: LogQL.Expression, _ dice: inout Dice) -> QueryRequest {
        let second: Int64 = 1_000_000_000
        switch tree {
        case .log:
            let start = Timestamp(nanoseconds: Int64(dice.pick([0, 100])) * second)
            let end = Timestamp(nanoseconds: Int64(dice.pick([600, 1_000, 300])) * second)
            // All of them: which ones a limit leaves of equal times is the differential test's matter.
            return QueryRequest(
                text: tree.description, kind: .range(start: start, end: end, step: second, interval: 0), limit: 5_000,
                direction: dice.pick([.forward, .backward]))
        case .metric:
            let start = Timestamp(nanoseconds: Int64(100 + dice.below(200)) * second)
            let step = Int64(dice.pick([30, 90, 200])) * second
            if dice.one(in: 2) { return QueryRequest(text: tree.description, kind: .instant(time: start)) }
            return QueryRequest(
                text: tree.description,
                kind: .range(start: start, end: start.advanced(by: 4 * step), step: step, interval: 0))
        }
    }

    private struct Item {
        var name: String
        var value: Double
    }

    /// nil: refused.
    private static func answer(_ engine: QueryEngine, _ request: QueryRequest) -> [Item]? {
        guard let result = try? engine.run(request).0 else { return nil }
        switch result {
        case .scalar(_, let value): return [Item(name: "", value: value)]
        case .vector(let samples): return samples.map { Item(name: "\(Self.plain($0.labels))", value: $0.point.value) }
        case .matrix(let series):
            return series.flatMap { one in
                one.points.map { Item(name: "\(Self.plain(one.labels)) \($0.timestamp)", value: $0.value) }
            }
        case .streams(let streams):
            return streams.flatMap { stream in
                stream.entries.map { Item(name: "\(Self.plain(stream.labels)) \($0.timestamp) \($0.line)", value: 0) }
            }
        }
    }

    /// What details of errors say is not compared.
    private static func plain(_ labels: Labels) -> Labels { Labels(labels.pairs.filter { $0.name != "__error_details__" }) }

    private static func isSame(_ a: [Item]?, _ b: [Item]?, onlyValues: Bool) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        guard a.count == b.count else { return false }
        func order(_ items: [Item]) -> [Item] {
            // Of equal values, topk may keep any.
            items.map { Item(name: onlyValues ? "" : $0.name, value: $0.value) }.sorted { x, y in
                x.name != y.name ? x.name < y.name : (x.value.isNaN ? -.infinity : x.value) < (y.value.isNaN ? -.infinity : y.value)
            }
        }
        return zip(order(a), order(b)).allSatisfy { x, y in
            x.name == y.name
                && (x.value == y.value || (x.value.isNaN && y.value.isNaN)
                    || abs(x.value - y.value) <= 1e-9 * max(abs(x.value), abs(y.value)) || abs(x.value - y.value) < 1e-7)
        }
    }

    private static func show(_ items: [Item]?) -> String {
        guard let items else { return "refuse" }
        return "\(items.count): " + items.prefix(6).map { "\($0.name) \($0.value)" }.joined(separator: "; ")
    }
}
