/// The arguments of `tailrace report` as typed.
package struct ReportWords: Sendable {
    package enum Kind: String, Sendable, CaseIterable { case slo, cost, latency, capacity, drift }

    package var kind: Kind
    /// Where to ask: one of these, or the server that `query` asks.
    package var address: String?
    package var store: String?
    package var files: [String] = []
    package var tenant: String?
    package var since: String?
    package var from: String?
    package var to: String?
    /// nil: `{job="llm-api"}`, and everything where files are read.
    package var selector: String?
    package var fields: [String] = []
    package var output = "text"
    /// CSV: which table; nil: the first.
    package var table: String?
    package var explains = false

    // slo
    package var objectives: String?
    package var availability: Double?
    package var latencyShare: Double?
    package var latencyUnder: String?
    package var window: String?
    package var excludedStatuses: [String] = []

    // cost
    package var prices: String?
    package var zone: String?
    package var top = 20
    package var engineSelector: String?
    package var statsInterval = "10s"

    // latency
    package var under = "5s"

    // capacity
    package var load = "requests"

    // drift
    package var baselineFrom: String?
    package var baselineTo: String?
    package var baseline: String?
    package var savesBaseline: String?
    package var edges: String?

    package init(kind: Kind) { self.kind = kind }
}
