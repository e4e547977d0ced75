import Bytes
import Glibc
import LogModel
import LogQL
import Testing

@testable import LogQuery

/// Random queries over random lines: what is printed reads as the same tree, and the engine answers what a naive
/// evaluator answers that looks at every line for every instant. Some hundred queries in every run; 20,000 with
/// `TAILRACE_TORTURE=1`. A query that differs is reported with its seed.
@Suite struct DifferentialTests {
    static let isTorture = getenv("TAILRACE_TORTURE") != nil
    static let queriesPerData = 50
    static let rounds = isTorture ? 400 : 8

    struct Tally {
        var logs = 0
        var metrics = 0
        var failed = 0
        var empty = 0
        var different = 0
    }

    @Test(.timeLimit(.minutes(30))) func theEngineAnswersAsTheNaiveEvaluator() async throws {
        var tally = Tally()
        for round in 0..<Self.rounds {
            let seed = UInt64(round) * 1_000 + 7
            let data = GeneratedData(seed: seed, count: 60 + round % 5 * 30)
            let store: any StoreReader =
                round % 2 == 0
                ? try await data.columnStore()
                : data.store(blockSize: [1, 7, 40, 1000][round % 4], pushdown: round % 3 == 0 ? .none : .lines)
            var maker = QueryMaker(seed: seed)
            for number in 0..<Self.queriesPerData {
                let tree = maker.expression()
                let place = "round \(round), query \(number)"
                let text = tree.description
                guard (try? LogQL.parse(text)) == tree else {
                    tally.different += 1
                    if tally.different <= 10 {
                        let again = (try? LogQL.parse(text)).map { "\($0)" } ?? "no query"
                        Issue.record("\(place): \(text) reads as \(again)")
                    }
                    continue
                }
                do {
                    let difference: String?
                    switch tree {
                    case .log(let log): difference = try self.difference(log, text, data, store, &maker.dice, &tally)
                    case .metric(let metric):
                        difference = try self.difference(metric, text, data, store, &maker.dice, &tally)
                    }
                    if let difference {
                        tally.different += 1
                        if tally.different <= 10 { Issue.record("\(place): \(text)\n\(difference)") }
                    }
                } catch {
                    Issue.record("\(place): \(text)\n\(error)")
                }
            }
        }
        let all = Self.rounds * Self.queriesPerData
        #expect(tally.different == 0)
        // The comparison says little unless most queries answer something.
        #expect(tally.empty < all * 2 / 3)
        #expect(tally.failed < all / 3)
        if Self.isTorture {
            print(
                "differential test: \(all) queries, \(tally.logs) log, \(tally.metrics) metric, \(tally.failed) refused by "
                    + "both, \(tally.empty) empty, \(tally.different) different"
            )
        }
    }

    // MARK: Log queries

    private func difference(
        _ log: LogQL.LogExpression,
        _ text: String,
        _ data: GeneratedData,
        _ store: any StoreReader,
        _ dice: inout Dice,
        _ tally: inout Tally
    ) throws -> String? {
        tally.logs += 1
        let start = Int64(dice.pick([0, 100])) * 1_000_000_000
        let end = Int64(dice.pick([600, 1_000, 300])) * 1_000_000_000
        let limit = dice.pick([1, 5, 20, 1_000])
        let interval = Int64(dice.pick([0, 0, 0, 30])) * 1_000_000_000
        let direction: Direction = dice.pick([.forward, .backward])
        let naive = try NaiveEvaluator(data: data).logs(
            log,
            start: start,
            end: end,
            limit: limit,
            interval: interval,
            backward: direction == .backward
        )
        let request = QueryRequest(
            text: text,
            kind: .range(
                start: Timestamp(nanoseconds: start),
                end: Timestamp(nanoseconds: end),
                step: 1_000_000_000,
                interval: interval
            ),
            limit: limit,
            direction: direction
        )
        guard case .streams(let streams) = try QueryEngine(store: store).run(request).0 else { return "no streams" }
        if streams.isEmpty { tally.empty += 1 }
        let expected = naive.map { show($0.labels) + $0.entries.map { "\n  \($0.time) \($0.line)" }.joined() }.sorted()
        let actual = streams.map { stream in
            show(stream.labels) + stream.entries.map { "\n  \($0.timestamp) \($0.line)" }.joined()
        }.sorted()
        return expected == actual ? nil : compare(expected, actual)
    }

    // MARK: Metric queries

    private func difference(
        _ tree: LogQL.MetricExpression,
        _ text: String,
        _ data: GeneratedData,
        _ store: any StoreReader,
        _ dice: inout Dice,
        _ tally: inout Tally
    ) throws -> String? {
        tally.metrics += 1
        let start = Int64(100 + dice.below(200)) * 1_000_000_000
        let step = Int64(dice.pick([30, 90, 200])) * 1_000_000_000
        let steps = dice.one(in: 2) ? 1 : 5
        let times = (0..<steps).map { start + Int64($0) * step }
        let expected = try naive(tree, data, times)
        let actual = try engine(text, store, times, step)
        if expected == nil || actual == nil {
            tally.failed += 1
            if expected == nil, actual == nil { return nil }
            return "expected \(expected.map { "\($0)" } ?? "a refusal")\ngot \(actual.map { "\($0)" } ?? "a refusal")"
        }
        if actual?.allSatisfy(\.isEmpty) == true { tally.empty += 1 }
        var onlyValues = false
        if case .vectorAggregation(let aggregation) = tree, aggregation.parameter != nil { onlyValues = true }
        for (time, (a, b)) in zip(times, zip(expected ?? [], actual ?? [])) {
            func order(_ samples: [(String, Double)]) -> [(String, Double)] {
                // Of equal values, topk may keep any.
                samples.map { (onlyValues ? "" : $0.0, $0.1) }.sorted { x, y in
                    x.0 != y.0 ? x.0 < y.0 : (x.1.isNaN ? -.infinity : x.1) < (y.1.isNaN ? -.infinity : y.1)
                }
            }
            let (a, b) = (order(a), order(b))
            let isSame = a.count == b.count && zip(a, b).allSatisfy { $0.0 == $1.0 && isClose($0.1, $1.1) }
            if !isSame {
                return compare(a.map { "\($0.0) \($0.1)" }, b.map { "\($0.0) \($0.1)" }) + " at \(time)"
            }
        }
        return nil
    }

    /// By instant: labels and values. nil: refused.
    private func naive(_ tree: LogQL.MetricExpression, _ data: GeneratedData, _ times: [Int64]) throws
        -> [[(String, Double)]]?
    {
        do {
            return try times.map { time in
                switch try NaiveEvaluator(data: data).evaluate(tree, at: time) {
                case .scalar(let number): return [("", number)]
                case .vector(let vector): return vector.map { (show($0.labels), $0.value) }
                }
            }
        } catch {
            if error is NaiveEvaluator.Failure { return nil }
            throw error
        }
    }

    private func engine(_ text: String, _ store: any StoreReader, _ times: [Int64], _ step: Int64) throws
        -> [[(String, Double)]]?
    {
        let start = Timestamp(nanoseconds: times[0])
        let end = Timestamp(nanoseconds: times[times.count - 1])
        let kind: QueryRequest.Kind =
            times.count == 1 ? .instant(time: start) : .range(start: start, end: end, step: step, interval: 0)
        let result: QueryResult
        do {
            result = try QueryEngine(store: store).run(QueryRequest(text: text, kind: kind)).0
        } catch {
            if (error as? QueryError)?.kind == .invalid { return nil }
            throw error
        }
        var samples: [[(String, Double)]] = times.map { _ in [] }
        switch result {
        case .scalar(_, let value): samples[0].append(("", value))
        case .vector(let vector): samples[0] = vector.map { (show($0.labels), $0.point.value) }
        case .matrix(let series):
            for one in series {
                for point in one.points {
                    let at = try #require(times.firstIndex(of: point.timestamp), "a point between steps")
                    samples[at].append((show(one.labels), point.value))
                }
            }
        case .streams: Issue.record("\(text): streams")
        }
        return samples
    }

    private func isClose(_ a: Double, _ b: Double) -> Bool {
        if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
        if a == b { return true }
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b)) || abs(a - b) < 1e-7
    }

    /// What details of errors say is not compared.
    private func show(_ labels: [String: String]) -> String {
        labels.filter { $0.key != "__error_details__" }.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
            .joined(separator: ",")
    }

    private func show(_ labels: Labels) -> String {
        var row: [String: String] = [:]
        for pair in labels.pairs { row[pair.name.string] = pair.value.string }
        return show(row)
    }

    private func compare(_ expected: [String], _ actual: [String]) -> String {
        let missing = expected.filter { !actual.contains($0) }.prefix(3)
        let surplus = actual.filter { !expected.contains($0) }.prefix(3)
        return "expected \(missing.joined(separator: "\n"))\ngot \(surplus.joined(separator: "\n"))"
    }
}
