import Bytes
import LogModel
import LogQL
import LokiWire

/// What there is, without reading lines: labels, values, series, statistics.
extension LogServer {
    /// `labels`
    func labels(_ request: LokiRequest) throws -> Reply {
        let streams = try streamsOfLabelQuestion(request)
        var names: Set<ByteString> = []
        for stream in streams { for pair in stream.labels.pairs { names.insert(pair.name) } }
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.strings(names.sorted(), into: $0) }
    }

    /// `label/{name}/values`
    func labelValues(_ request: LokiRequest) throws -> Reply {
        let streams = try streamsOfLabelQuestion(request)
        let values = Set(streams.compactMap { $0.labels[request.argument] })
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.strings(values.sorted(), into: $0) }
    }

    private func streamsOfLabelQuestion(_ request: LokiRequest) throws -> [StreamSummary] {
        let bounds = try request.bounds
        let query = request.form["query"]
        let matchers = query.isEmpty ? [] : try selector(query)
        // Loki splits the range by time, finds no split, and fails to merge none; its clients know the status.
        guard bounds.end >= bounds.start else { throw Refusal(500, "merging responses requires at least one response") }
        // Loki answers these from an index a day: whole days, so that menus do not shrink with the zoom.
        let day: Int64 = 86_400_000_000_000
        let first = Timestamp(nanoseconds: bounds.start).advanced(by: -((bounds.start % day + day) % day))
        let rest = day - (bounds.end % day + day) % day
        let days = TimeRange(first, Timestamp(nanoseconds: bounds.end).advanced(by: rest))
        return try parts.reader.streams(tenant: request.tenant, matchers: matchers, range: days)
    }

    /// `series`
    func series(_ request: LokiRequest) throws -> Reply {
        let bounds = try request.orderedBounds
        let groups = request.form.all("match") + request.form.all("match[]")
        let range = range(bounds)
        var found: Set<Labels> = []
        if groups.isEmpty || (groups.count == 1 && isEverything(groups[0])) {
            for stream in try parts.reader.streams(tenant: request.tenant, matchers: [], range: range) {
                found.insert(stream.labels)
            }
        } else {
            if groups.contains(where: isEverything) { throw Refusal(400, "0 matchers in group: {}") }
            // All of them first: an error in the last one must not cost the work of the others.
            for matchers in try groups.map({ try selector($0) }) {
                for stream in try parts.reader.streams(tenant: request.tenant, matchers: matchers, range: range) {
                    found.insert(stream.labels)
                }
            }
        }
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.series(found.sorted(), into: $0) }
    }

    /// `index/stats`
    func indexStatistics(_ request: LokiRequest) throws -> Reply {
        let bounds = try request.orderedBounds
        let step = try Parameters.step(request.form, bounds)
        try Parameters.checkResolution(bounds, step: step)
        let matchers = try selector(request.form["query"])
        let streams = try parts.reader.streams(tenant: request.tenant, matchers: matchers, range: range(bounds))
        let counts = try count(request, matchers, from: bounds.start, through: bounds.end)
        return .json { out in
            CatalogueAnswer.statistics(
                streams: counts.reduce(0) { $0 + ($1.rows > 0 ? 1 : 0) },
                chunks: streams.reduce(0) { $0 + $1.chunks }, bytes: counts.reduce(0) { $0 + $1.bytes },
                entries: counts.reduce(0) { $0 + $1.rows }, into: out)
        }
    }

    /// `index/shards`: one that holds everything, since nothing here is gained by asking in parts.
    func indexShards(_ request: LokiRequest) throws -> Reply {
        let bounds = try request.orderedBounds
        let matchers: [LabelMatcher]
        do throws(LogQLError) { matchers = try LogQL.parseLog(request.form["query"]).matchers } catch {
            throw Refusal(400, error.message)
        }
        let streams = try parts.reader.streams(tenant: request.tenant, matchers: matchers, range: range(bounds))
        let counts = try count(request, matchers, from: bounds.start, through: bounds.end)
        return .json { out in
            CatalogueAnswer.oneShard(
                streams: counts.reduce(0) { $0 + ($1.rows > 0 ? 1 : 0) },
                chunks: streams.reduce(0) { $0 + $1.chunks }, bytes: counts.reduce(0) { $0 + $1.bytes },
                entries: counts.reduce(0) { $0 + $1.rows }, into: out)
        }
    }

    /// `detected_labels`: labels that tell something, so none whose values are all numbers or UUIDs.
    func detectedLabels(_ request: LokiRequest) throws -> Reply {
        let bounds = try request.orderedBounds
        let query = request.form["query"]
        let matchers = query.isEmpty ? [] : try selector(query)
        var values: [ByteString: Set<ByteString>] = [:]
        for stream in try parts.reader.streams(tenant: request.tenant, matchers: matchers, range: range(bounds)) {
            for pair in stream.labels.pairs { values[pair.name, default: []].insert(pair.value) }
        }
        let always: Set<ByteString> = ["cluster", "namespace", "instance", "pod"]
        let switches: Set<ByteString> = ["0", "1"]
        let telling = values.filter { name, values in
            always.contains(name) || values.isSubset(of: switches) || !values.allSatisfy(isIdentifier)
        }
        let found = telling.map { (name: $0.key, cardinality: $0.value.count) }.sorted { $0.name < $1.name }
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.detectedLabels(found, into: $0) }
    }

    /// A number or a UUID.
    private func isIdentifier(_ value: ByteString) -> Bool {
        if FieldType.isFloat(value.string) { return true }
        // The four ways in which UUIDs are written.
        var bytes = value.bytes[...]
        if bytes.count == 45, value.withView({ $0.hasPrefix("urn:uuid:") }) { bytes = bytes.dropFirst(9) }
        if bytes.count == 38, bytes.first == 0x7B, bytes.last == 0x7D { bytes = bytes.dropFirst().dropLast() }
        if bytes.count == 32 { return bytes.allSatisfy(\.isHexDigit) }
        guard bytes.count == 36 else { return false }
        return bytes.enumerated().allSatisfy { i, c in
            [8, 13, 18, 23].contains(i) ? c == 0x2D : c.isHexDigit
        }
    }

    // MARK: Shared

    /// The matchers of a bare selector.
    func selector(_ text: String) throws(Refusal) -> [LabelMatcher] {
        do {
            return try LogQL.parseSelector(text)
        } catch {
            throw Refusal(400, error.message)
        }
    }

    private func isEverything(_ text: String) -> Bool { text.utf8.filter { !$0.isJSONSpace } == Array("{}".utf8) }

    /// From `start` to `end`, both included.
    func range(_ bounds: Parameters.Bounds) -> TimeRange {
        TimeRange(
            Timestamp(nanoseconds: bounds.start), Timestamp(nanoseconds: bounds.end).advanced(by: 1))
    }

    /// Rows and bytes of each stream between two moments, both included.
    func count(
        _ request: LokiRequest, _ matchers: [LabelMatcher], from start: Int64, through end: Int64
    ) throws -> [(labels: Labels, rows: Int, bytes: Int)] {
        let (length, overflow) = end.subtractingReportingOverflow(start)
        let window = overflow || length == .max ? Int64.max : max(length, 0) + 1
        let counts = try parts.reader.counts(
            tenant: request.tenant, matchers: matchers,
            grid: TimeGrid(start: Timestamp(nanoseconds: end), step: window, count: 1, window: window),
            budget: QueryBudget(memoryLimit: request.limits.maxQueryMemory), cancel: request.cancel)
        return counts.map { ($0.labels, $0.rows.first ?? 0, $0.bytes.first ?? 0) }
    }
}
