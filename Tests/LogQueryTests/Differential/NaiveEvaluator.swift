import Bytes
import LogModel
import LogQL

/// What a query answers, by looking at every line for every instant. Nothing here is shared with the engine but the
/// tree, `Labels` and the regular expressions.
struct NaiveEvaluator {
    typealias Row = [String: String]
    typealias Vector = [(labels: Row, value: Double)]

    enum Value {
        case scalar(Double)
        case vector(Vector)
    }

    /// The query fails, as it should.
    struct Failure: Error {}

    let data: GeneratedData

    // MARK: Log queries

    struct Entry: Equatable {
        var time: Int64
        var line: String
    }

    func logs(_ log: LogQL.LogExpression, start: Int64, end: Int64, limit: Int, interval: Int64, backward: Bool) throws
        -> [(labels: Row, entries: [Entry])]
    {
        var order = data.lines.indices.filter {
            let line = data.lines[$0]
            return line.time >= start && line.time < end && log.matchers.matches(line.stream)
        }
        order.sort { a, b in
            let (x, y) = (data.lines[a], data.lines[b])
            if x.time != y.time { return x.time < y.time }
            return x.stream != y.stream ? x.stream < y.stream : a < b
        }
        if backward { order.reverse() }
        var streams: [(labels: Row, entries: [Entry])] = []
        var seen: Set<[String]> = []
        var last: Int64?
        var count = 0
        lines: for at in order where count < limit {
            var pipeline = NaivePipeline(data.lines[at])
            if !(try pipeline.run(log.stages)) { continue lines }
            let labels = pipeline.visible
            if !log.distinct.isEmpty, !seen.insert(log.distinct.map { labels[$0.string] ?? "" }).inserted { continue }
            let entry = Entry(time: data.lines[at].time, line: pipeline.line)
            if interval > 0, let last, abs(entry.time - last) < interval { continue }
            last = entry.time
            count += 1
            if let known = streams.firstIndex(where: { $0.labels == labels }) {
                streams[known].entries.append(entry)
            } else {
                streams.append((labels, [entry]))
            }
        }
        return streams
    }

    // MARK: Metric queries

    func evaluate(_ tree: LogQL.MetricExpression, at time: Int64) throws -> Value {
        switch tree {
        case .literal(let number): return .scalar(number)
        case .vector(let number): return .vector([([:], number)])
        case .range(let aggregation): return .vector(try range(aggregation, nil, at: time))
        case .labelReplace(let replace): return .vector(try self.replace(replace, try vector(replace.inner, time)))
        case .vectorAggregation(let aggregation):
            if aggregation.op == .sum, case .range(let inner) = aggregation.inner, inner.grouping == nil,
                [.count, .rate, .bytes, .bytesRate, .sum].contains(inner.op)
            {
                // Lines need only the labels of the group: that decides which errors are met.
                let grouping = aggregation.grouping ?? LogQL.Grouping(without: false, labels: [])
                return .vector(try range(inner, grouping, at: time))
            }
            return .vector(aggregate(aggregation, try vector(aggregation.inner, time)))
        case .binary(let operation):
            return try binary(operation, try evaluate(operation.lhs, at: time), try evaluate(operation.rhs, at: time))
        }
    }

    private func vector(_ tree: LogQL.MetricExpression, _ time: Int64) throws -> Vector {
        switch try evaluate(tree, at: time) {
        case .vector(let vector): return vector
        case .scalar(let number): return [([:], number)]
        }
    }

    private func key(_ labels: Row, _ grouping: LogQL.Grouping) -> Row {
        labels.filter { name, _ in grouping.labels.contains(ByteString(name)) != grouping.without }
    }

    /// The labels that parsers have to find; nil: all.
    private func required(_ aggregation: LogQL.RangeAggregation, _ grouping: LogQL.Grouping?) -> Set<String>? {
        guard let grouping, !grouping.without else { return nil }
        var names = grouping.labels + [aggregation.counted].compactMap { $0 }
        func fields(_ template: String) -> [ByteString] {
            template.split(separator: "{").filter { $0.hasPrefix(".") }.map { ByteString(String($0.dropFirst().prefix { $0 != "}" })) }
        }
        let isMeasured = aggregation.op == .bytes || aggregation.op == .bytesRate
        for (i, stage) in aggregation.log.stages.enumerated() {
            switch stage {
            case .labelFilter(let filter): names += filter.labelNames
            case .lineFormat(let template):
                let isRead = aggregation.log.stages[(i + 1)...].contains {
                    switch $0 {
                    case .lineFilter, .json, .logfmt, .regexp, .pattern, .unpack: true
                    default: false
                    }
                }
                if isRead || isMeasured { names += fields(template) }
            case .labelFormat(let formats):
                for format in formats {
                    switch format {
                    case .rename(_, let from): names.append(from)
                    case .template(_, let template): names += fields(template)
                    }
                }
            default: break
            }
        }
        if let unwrap = aggregation.unwrap { names += [unwrap.label] + unwrap.filters.flatMap(\.labelNames) }
        return Set(names.map(\.string))
    }

    private func range(_ aggregation: LogQL.RangeAggregation, _ outer: LogQL.Grouping?, at time: Int64) throws -> Vector {
        let grouping =
            aggregation.op == .absent ? LogQL.Grouping(without: false, labels: []) : outer ?? aggregation.grouping
        let required = required(aggregation, grouping)
        let end = time - aggregation.offset
        let start = end - aggregation.range
        var samples: [(labels: Row, time: Int64, value: Double, text: String, stream: Labels, arrival: Int)] = []
        lines: for (arrival, line) in data.lines.enumerated()
        where line.time > start && line.time <= end && aggregation.log.matchers.matches(line.stream) {
            let isGrouped = grouping.map { !$0.without && !$0.labels.isEmpty } ?? false
            var pipeline = NaivePipeline(line, required: required, filtersActEarly: !isGrouped)
            if !(try pipeline.run(aggregation.log.stages)) { continue lines }
            var value = 1.0
            if let unwrap = aggregation.unwrap {
                guard let number = try pipeline.unwrap(unwrap) else { continue }
                value = number
            } else if aggregation.op == .bytes || aggregation.op == .bytesRate {
                value = Double(pipeline.line.utf8.count)
            }
            var labels = pipeline.visible
            var text = ""
            if let counted = aggregation.counted {
                guard let found = labels[counted.string], !found.isEmpty else { continue }
                text = found
            }
            if let error = pipeline.error, !error.isEmpty {
                let isAsked = required?.contains("__error__") == true && error.hasSuffix("ParserErr")
                if !isAsked { throw Failure() }
            }
            if grouping == nil || grouping?.without == true {
                for used in [aggregation.unwrap?.label, aggregation.counted].compactMap({ $0 }) { labels[used.string] = nil }
            }
            if let grouping { labels = key(labels, grouping) }
            samples.append((labels, line.time, value, text, line.stream, arrival))
        }
        if aggregation.op == .absent { return samples.isEmpty ? [(absentLabels(aggregation.log.matchers), 1)] : [] }
        samples.sort { a, b in
            if a.time != b.time { return a.time < b.time }
            return a.stream != b.stream ? b.stream < a.stream : a.arrival < b.arrival
        }
        var groups: [(labels: Row, members: [Int])] = []
        for (i, sample) in samples.enumerated() {
            if let known = groups.firstIndex(where: { $0.labels == sample.labels }) {
                groups[known].members.append(i)
            } else {
                groups.append((sample.labels, [i]))
            }
        }
        return groups.map { group in
            let members = group.members.map { samples[$0] }
            let values = members.map(\.value)
            let sum = values.reduce(0, +)
            let seconds = Double(aggregation.range) / 1e9
            let value: Double =
                switch aggregation.op {
                case .count, .bytes, .sum: sum
                case .rate, .bytesRate: sum / seconds
                case .avg: sum / Double(values.count)
                case .min: values.min() ?? .nan
                case .max: values.max() ?? .nan
                case .stdvar: variance(values)
                case .stddev: variance(values).squareRoot()
                case .first: values.first ?? .nan
                case .last: values.last ?? .nan
                case .quantile: quantile(aggregation.parameter ?? .nan, values.sorted())
                case .countDistinct: Double(Set(members.map(\.text)).count)
                case .rateCounter: counterRate(members.map { ($0.time, $0.value) }, start, end)
                case .absent: 1
                }
            return (group.labels, value)
        }
    }

    private func absentLabels(_ matchers: [LabelMatcher]) -> Row {
        var labels: Row = [:]
        for matcher in matchers where matcher.op == .equal && !matcher.value.isEmpty {
            if matchers.count(where: { $0.name == matcher.name }) == 1 { labels[matcher.name.string] = matcher.value.string }
        }
        return labels
    }

    private func variance(_ values: [Double]) -> Double {
        if values.count == 1 { return values[0].isFinite ? 0 : values[0] - values[0] }
        let mean = values.reduce(0, +) / Double(values.count)
        return values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count)
    }

    private func quantile(_ q: Double, _ values: [Double]) -> Double {
        if q > 1 { return .infinity }
        let rank = q * Double(values.count - 1)
        let lower = Int(rank)
        let upper = min(values.count - 1, lower + 1)
        return values[lower] * (1 - (rank - Double(lower))) + values[upper] * (rank - Double(lower))
    }

    private func counterRate(_ samples: [(time: Int64, value: Double)], _ start: Int64, _ end: Int64) -> Double {
        guard let first = samples.first, let last = samples.last, samples.count > 1 else { return 0 }
        var delta = last.value - first.value
        for (a, b) in zip(samples, samples.dropFirst()) where b.value < a.value { delta += a.value }
        let span = Double(last.time - first.time) / 1e9
        let gap = span / Double(samples.count - 1)
        var before = Double(first.time - start) / 1e9
        var after = Double(end - last.time) / 1e9
        if before >= gap * 1.1 { before = gap / 2 }
        if delta > 0, first.value >= 0 { before = min(before, span * (first.value / delta)) }
        if after >= gap * 1.1 { after = gap / 2 }
        return delta * ((span + before + after) / span) / (Double(end - start) / 1e9)
    }

    // MARK: Vectors

    private func replace(_ replace: LogQL.LabelReplace, _ input: Vector) throws -> Vector {
        let regex = try CompiledRegex("^(?:\(replace.regex))$")
        var groups: [Range<Int>?] = []
        return input.map { sample in
            let source = sample.labels[replace.source.string] ?? ""
            guard ByteString(source).withView({ regex.firstMatch(in: $0, groups: &groups) }) else { return sample }
            let group = groups[1].map { String(decoding: Array(source.utf8)[$0], as: UTF8.self) } ?? ""
            var labels = sample.labels
            labels[replace.destination.string] = replace.replacement.string.replacing("$1", with: group)
            return (labels, sample.value)
        }
    }

    private func aggregate(_ aggregation: LogQL.VectorAggregation, _ input: Vector) -> Vector {
        if aggregation.op == .sort || aggregation.op == .sortDesc { return input }
        let grouping = aggregation.grouping ?? LogQL.Grouping(without: false, labels: [])
        var groups: [(labels: Row, members: Vector)] = []
        for sample in input {
            let key = key(sample.labels, grouping)
            if let known = groups.firstIndex(where: { $0.labels == key }) {
                groups[known].members.append(sample)
            } else {
                groups.append((key, [sample]))
            }
        }
        return groups.flatMap { group -> Vector in
            let values = group.members.map(\.value)
            let numbers = values.filter { !$0.isNaN }
            switch aggregation.op {
            case .sum: return [(group.labels, values.reduce(0, +))]
            case .avg: return [(group.labels, values.reduce(0, +) / Double(values.count))]
            case .count: return [(group.labels, Double(values.count))]
            case .min: return [(group.labels, numbers.min() ?? .nan)]
            case .max: return [(group.labels, numbers.max() ?? .nan)]
            case .stdvar: return [(group.labels, values.count == 1 ? 0 : variance(values))]
            case .stddev: return [(group.labels, values.count == 1 ? 0 : variance(values).squareRoot())]
            case .topk, .bottomk, .approxTopk:
                let sorted = group.members.sorted { a, b in
                    if a.value.isNaN || b.value.isNaN { return !a.value.isNaN && b.value.isNaN }
                    return aggregation.op == .bottomk ? a.value < b.value : a.value > b.value
                }
                return Array(sorted.prefix(aggregation.parameter ?? 0))
            case .sort, .sortDesc: return group.members
            }
        }
    }

    // MARK: Operations

    private func binary(_ operation: LogQL.BinaryOperation, _ left: Value, _ right: Value) throws -> Value {
        func merge(_ a: Double, _ b: Double, _ kept: Double) -> Double? {
            if let comparison = operation.op.comparison, !operation.returnBool {
                return comparison.holds(a, b) ? kept : nil
            }
            return operation.op.apply(a, b)
        }
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)): return .scalar(operation.op.apply(a, b) ?? .nan)
        case (.vector(let vector), .scalar(let number)):
            return .vector(vector.compactMap { one in merge(one.value, number, one.value).map { (one.labels, $0) } })
        case (.scalar(let number), .vector(let vector)):
            return .vector(vector.compactMap { one in merge(number, one.value, one.value).map { (one.labels, $0) } })
        case (.vector(let a), .vector(let b)):
            let matching = operation.matching ?? LogQL.VectorMatching(on: false, labels: [])
            let match = LogQL.Grouping(without: !matching.on, labels: matching.labels)
            let here = Set(a.map { key($0.labels, match) })
            let there = Set(b.map { key($0.labels, match) })
            switch operation.op {
            case .and: return .vector(a.filter { there.contains(key($0.labels, match)) })
            case .unless: return .vector(a.filter { !there.contains(key($0.labels, match)) })
            case .or:
                var result = a
                for sample in b where !here.contains(key(sample.labels, match)) {
                    if !result.contains(where: { $0.labels == sample.labels }) { result.append(sample) }
                }
                return .vector(result)
            default: break
            }
            let isSwapped = matching.cardinality == .oneToMany
            let (many, one) = isSwapped ? (b, a) : (a, b)
            if Set(one.map { key($0.labels, match) }).count < one.count { throw Failure() }
            var result: Vector = []
            var taken: Set<Row> = []
            for sample in many {
                guard let partner = one.first(where: { key($0.labels, match) == key(sample.labels, match) }) else { continue }
                var labels = matching.cardinality == .oneToOne ? key(sample.labels, match) : sample.labels
                for name in matching.include {
                    let value = partner.labels[name.string] ?? ""
                    labels[name.string] = value.isEmpty ? nil : value
                }
                if !taken.insert(labels).inserted { throw Failure() }
                let (x, y) = isSwapped ? (partner.value, sample.value) : (sample.value, partner.value)
                if let value = merge(x, y, x) { result.append((labels, value)) }
            }
            return .vector(result)
        }
    }
}
