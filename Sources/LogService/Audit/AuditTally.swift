import LogModel
import LogStages
import Redaction

/// What today's rules would have caught in a store: how much of what kind, where and when, and never what.
struct AuditTally {
    struct Stream {
        var tenant: Tenant
        /// As they may be seen.
        var labels: Labels
        var rows = 0
        var findings: [Int]
    }

    /// Of rules, by number.
    let names: [String]
    var rows = 0
    var bytes = 0
    /// Rows with at least one finding, in the line, the metadata or the labels of the stream.
    var rowsFound = 0
    /// By number of the rule.
    var findings: [Int]
    /// By day, UTC.
    var days: [String: [Int]] = [:]
    /// The streams with findings that were met first; others are counted in all but here.
    var streams: [Stream] = []
    var streamsLeftOut = 0
    /// Rows that the rules could not be applied to.
    var unscanned = 0
    /// Of the store, in words.
    var damaged: [String] = []
    var rowsLost = 0

    private var numbers: [Labels: [Tenant: Int]] = [:]
    private static let streamsMax = 1_000

    init(_ redactor: Redactor) {
        names = redactor.rules.map(\.name)
        findings = [Int](repeating: 0, count: names.count)
    }

    var isClean: Bool { rowsFound == 0 && unscanned == 0 }

    mutating func add(_ found: [Int], tenant: Tenant, labels: Labels, timestamp: Int64) {
        rowsFound += 1
        Self.sum(found, into: &findings)
        let day = String(GoTime.format(Timestamp(nanoseconds: timestamp), layout: "2006-01-02"))
        Self.sum(found, into: &days[day, default: [Int](repeating: 0, count: found.count)])
        let number: Int
        if let known = numbers[labels]?[tenant] {
            number = known
        } else if streams.count < Self.streamsMax {
            number = streams.count
            numbers[labels, default: [:]][tenant] = number
            streams.append(Stream(tenant: tenant, labels: labels, findings: [Int](repeating: 0, count: found.count)))
        } else {
            streamsLeftOut += 1
            return
        }
        streams[number].rows += 1
        Self.sum(found, into: &streams[number].findings)
    }

    private static func sum(_ more: [Int], into all: inout [Int]) { for index in all.indices { all[index] += more[index] } }
}
