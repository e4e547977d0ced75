import Bytes
import LogConfig
import LogModel
import LogSources
import LokiWire

/// Makes batches for the collector's sink of one push: relabels streams, counts and drops what rules drop. Of one thread.
struct PushGatherer: PushSink {
    /// `stages`, relabelling and clients know the tenant by this name.
    private static let tenantLabel: ByteString = "__tenant_id__"
    private static let batchBytes = 512 << 10
    private static let batchLines = 4096
    /// As lines of files are cut at; who pushes is told instead.
    private static let lineMax = 16 << 20

    private let settings: PushTargetSettings
    private let tenant: Tenant?
    private let keepsTimes: Bool
    private let now: Int64
    private var made: [LineBatch] = []
    private(set) var entries = 0
    /// Entries of streams that a rule drops.
    private(set) var dropped = 0

    /// Labels of the current stream; nil: it is dropped.
    private var labels: Labels?
    private var arena = ByteArena(capacity: 64 << 10)
    private var lines: [LineBatch.Line] = []
    private var labelSets: [Labels] = []
    private var labelNumbers: [Labels: UInt32] = [:]
    private var metadataSets: [Labels] = []
    private var metadataNumbers: [Labels: UInt32] = [:]

    /// `keepsTimes`: entries keep the times they came with. `now`: time of arrival, nanoseconds.
    init(_ settings: PushTargetSettings, tenant: Tenant?, keepsTimes: Bool, now: Int64) {
        self.settings = settings
        self.tenant = tenant
        self.keepsTimes = keepsTimes
        self.now = now
    }

    mutating func begin(stream: Labels) throws(PushError) {
        var all = stream.withoutEmptyValues
        for label in settings.labels.pairs { all[label.name] = label.value }
        // Whose lines they are says the header, not who sends them.
        all[Self.tenantLabel] = tenant.map { ByteString($0.name) }
        guard let relabelled = RelabelRule.apply(settings.relabel, to: all) else {
            labels = nil
            return
        }
        var kept = Labels(relabelled.pairs.filter { !$0.name.hasPrefix("__") || $0.name == Self.tenantLabel })
        // A stream has to have a name: no server takes one without.
        if kept.pairs.allSatisfy({ $0.name == Self.tenantLabel }) { kept["job"] = ByteString(settings.jobName) }
        labels = kept
    }

    mutating func entry(timestamp: Int64, line: ByteView, metadata: [MetadataPair]) throws(PushError) {
        guard line.count <= Self.lineMax else {
            throw PushError(.tooLarge, "a line of \(line.count) bytes; \(Self.lineMax) are the most")
        }
        guard let labels else {
            dropped += 1
            return
        }
        if arena.count + line.count > Self.batchBytes || lines.count >= Self.batchLines { cut() }
        let number = Self.number(of: labels, &labelSets, &labelNumbers)
        var metadataNumber: UInt32 = 0
        if !metadata.isEmpty {
            if metadataSets.isEmpty { _ = Self.number(of: Labels(), &metadataSets, &metadataNumbers) }
            metadataNumber = Self.number(of: try named(metadata), &metadataSets, &metadataNumbers)
        }
        let start = arena.count
        arena.append(line)
        var made = LineBatch.Line(
            start: UInt32(start), length: UInt32(line.count), labels: number,
            timestamp: keepsTimes ? timestamp : now, end: 0)
        made.metadata = metadataNumber
        lines.append(made)
        entries += 1
    }

    /// What was gathered, in order.
    mutating func finish() -> [LineBatch] {
        cut()
        defer { made = [] }
        return made
    }

    private static func number(of set: Labels, _ sets: inout [Labels], _ numbers: inout [Labels: UInt32]) -> UInt32 {
        if let known = numbers[set] { return known }
        let number = UInt32(sets.count)
        sets.append(set)
        numbers[set] = number
        return number
    }

    private func named(_ metadata: [MetadataPair]) throws(PushError) -> Labels {
        var pairs: [Label] = []
        pairs.reserveCapacity(metadata.count)
        for pair in metadata {
            do throws(MetadataNames.Failure) {
                pairs.append(Label(try MetadataNames.normalize(ByteString(pair.name)), ByteString(pair.value)))
            } catch {
                throw PushError(.malformed, "structured metadata: \(error.message)")
            }
        }
        return Labels(pairs)
    }

    private mutating func cut() {
        guard !lines.isEmpty else { return }
        var batch = LineBatch(
            source: ByteString(), path: "push:\(settings.jobName)", job: settings.job, labelSets: labelSets,
            bytes: arena.take(), lines: lines, from: 0, to: SourcePosition(offset: 0))
        batch.metadataSets = metadataSets
        batch.keepsTimes = keepsTimes
        made.append(batch)
        lines.removeAll(keepingCapacity: true)
        labelSets = []
        labelNumbers = [:]
        metadataSets = []
        metadataNumbers = [:]
    }
}
