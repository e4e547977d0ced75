import Bytes
import LogModel

/// From counts to a list of changes: tests every feature in all groups together and in each alone, keeps what is neither
/// chance nor small, and says of each feature once where it changed.
struct DiffRanking {
    private let census: Census
    private let wanted: CensusRequest
    private let request: DiffRequest
    private let whole: RateTest
    /// By group; a group of few features is judged by the scale of all.
    private let groups: [RateTest]

    /// A change in so many of the groups, of those that have the feature, is a change in all.
    private static let allShare = 0.8

    init(_ census: Census, _ wanted: CensusRequest, _ request: DiffRequest) {
        self.census = census
        self.wanted = wanted
        self.request = request
        let telling = census.features.indices.filter { census.isTelling($0) && census.features[$0].kind != .label }
        let pairs = telling.map { Self.pair(census, $0, 0..<wanted.groupCount) }
        whole = RateTest(pairs, rows: Self.rows(census, 0..<wanted.groupCount))
        groups = wanted.by == nil ? [] : (0..<wanted.groupCount).map { group in
            RateTest(telling.map { Self.pair(census, $0, group..<group + 1) }, rows: Self.rows(census, group..<group + 1))
        }
    }

    private static func pair(_ census: Census, _ feature: Int, _ groups: Range<Int>) -> (before: Int, after: Int) {
        groups.reduce(into: (0, 0)) { sum, group in
            sum.0 += census.count(feature, cell: group * 2)
            sum.1 += census.count(feature, cell: group * 2 + 1)
        }
    }

    private static func rows(_ census: Census, _ groups: Range<Int>) -> (before: Int, after: Int) {
        groups.reduce(into: (0, 0)) { sum, group in
            sum.0 += census.rows[group * 2]
            sum.1 += census.rows[group * 2 + 1]
        }
    }

    private struct Test {
        var feature: Int
        /// nil: all.
        var group: Int?
        var before: Int
        var after: Int
        var scale: Double
        var score: Double
        var chance: Double
    }

    func report() -> DiffReport {
        var tests: [Test] = []
        for feature in census.features.indices where census.isTelling(feature) {
            add(feature, nil, whole, &tests)
            for (group, test) in groups.enumerated() { add(feature, group, test, &tests) }
        }
        let threshold = FalseDiscovery.threshold(tests.map(\.chance), rate: request.falseRate)
        let found = tests.filter { $0.chance <= threshold && whole.ratio($0.before, $0.after, scale: $0.scale) >= request.ratioMin }
        var changes: [(change: DiffReport.Change, rank: Int)] = []
        var at = 0
        // Tests of a feature lie together.
        while at < found.count {
            var end = at
            while end < found.count, found[end].feature == found[at].feature { end += 1 }
            let change = self.change(found[at].feature, found[at..<end])
            changes.append((change, Int(census.features[found[at].feature].kind.rawValue)))
            at = end
        }
        // Of equally certain ones what says most comes first: a text, a value, a field.
        changes.sort { a, b in
            let (x, y) = (abs(a.change.score), abs(b.change.score))
            if abs(x - y) > 1e-9 * max(x, y) { return x > y }
            return (a.rank, a.change.field, a.change.text) < (b.rank, b.change.field, b.change.text)
        }
        let limit = request.limit == 0 ? changes.count : request.limit
        let rows = Self.rows(census, 0..<wanted.groupCount)
        return DiffReport(
            before: .init(range: request.before, rows: rows.before),
            after: .init(range: request.after, rows: rows.after),
            by: request.by,
            scale: whole.scale,
            changes: changes.prefix(limit).map(\.change),
            found: changes.count,
            compared: tests.count,
            leftOut: Set(census.fields.filter { $0.isWide || $0.isLong }.map(\.name)).sorted(),
            isCut: census.isCut
        )
    }

    private func add(_ feature: Int, _ group: Int?, _ test: RateTest, _ tests: inout [Test]) {
        let range = group.map { $0..<$0 + 1 } ?? 0..<wanted.groupCount
        let pair = Self.pair(census, feature, range)
        guard pair.before + pair.after >= RateTest.rowsMin else { return }
        let score = test.score(pair.before, pair.after)
        tests.append(
            Test(
                feature: feature,
                group: group,
                before: pair.before,
                after: pair.after,
                scale: test.scale,
                score: score,
                chance: RateTest.chance(score)
            )
        )
    }

    /// What is said of a feature that some tests found: in all groups, or in those that changed.
    private func change(_ feature: Int, _ found: ArraySlice<Test>) -> DiffReport.Change {
        let whole = found.first { $0.group == nil }
        let single = found.filter { $0.group != nil }
        let here = groups.indices.count { group in
            let pair = Self.pair(census, feature, group..<group + 1)
            return pair.before + pair.after > 0
        }
        if let whole, single.isEmpty || Double(single.count) >= Self.allShare * Double(here) && here > 1 {
            return change(feature, whole.before, whole.after, Double(whole.before) * whole.scale, whole.score, [])
        }
        // The direction that is the surer one, where a feature moved from one group to another.
        let up = single.filter { $0.score > 0 }
        let down = single.filter { $0.score < 0 }
        let most = up.reduce(0) { $0 + $1.score } >= down.reduce(0) { $0 - $1.score } ? up : down
        let before = most.reduce(0) { $0 + $1.before }
        let after = most.reduce(0) { $0 + $1.after }
        let expected = most.reduce(0) { $0 + Double($1.before) * $1.scale }
        let scale = before > 0 ? expected / Double(before) : self.whole.scale
        let score = self.whole.score(before, after, scale: scale)
        let names = most.compactMap { $0.group }.map { $0 < wanted.groups.count ? wanted.groups[$0] : "(others)" }
        return change(feature, before, after, expected, score, names)
    }

    private func change(
        _ feature: Int, _ before: Int, _ after: Int, _ expected: Double, _ score: Double, _ groups: [ByteString]
    ) -> DiffReport.Change {
        let about = census.features[feature]
        let direction: DiffReport.Direction =
            before == 0 ? .new : after == 0 ? .gone : score > 0 ? .more : .less
        return DiffReport.Change(
            direction: direction,
            kind: about.kind.name,
            field: about.field >= 0 ? census.fields[about.field].name : "",
            text: about.text,
            before: before,
            after: after,
            expected: expected,
            score: score,
            groups: groups
        )
    }
}

extension Census.Kind {
    /// As the API and the command print it.
    package var name: String {
        switch self {
        case .text: "text"
        case .value: "value"
        case .field: "field"
        case .shape: "shape"
        case .label: "label"
        }
    }
}
