import Bytes
import LogModel
import LogQuery
import LogStore

/// The arguments of `tailrace store export` as typed.
package struct ExportWords: Sendable {
    package var directory: String
    package var output: String?
    package var selector: String?
    package var tenant: String?
    package var from: String?
    package var to: String?

    package init(
        directory: String, output: String? = nil, selector: String? = nil, tenant: String? = nil, from: String? = nil,
        to: String? = nil
    ) {
        self.directory = directory
        self.output = output
        self.selector = selector
        self.tenant = tenant
        self.from = from
        self.to = to
    }
}

extension StoreCare {
    /// `store export`. Reads beside a running server; what delete requests hide is not in it.
    package static func export(_ words: ExportWords) -> CommandOutcome {
        let span: TimeRange
        switch range(from: words.from, to: words.to) {
        case .success(let range): span = range
        case .failure(let outcome): return outcome.outcome
        }
        var tenant: Tenant?
        if let name = words.tenant {
            guard let named = Tenant(name) else { return CommandOutcome(2, "--tenant: `\(name)` is no tenant") }
            tenant = named
        }
        let view: StoreView
        do throws(StoreError) { view = try StoreView.open(words.directory) } catch { return CommandOutcome(2, error.message) }
        let output: Output
        if let path = words.output, path != "-" {
            guard let file = Output(path: path) else { return CommandOutcome(2, "cannot write \(path): \(Output.lastError)") }
            output = file
        } else {
            output = Output()
        }
        let outcome: StoreExport.Outcome
        do {
            let export = StoreExport(
                view, tenant: tenant, range: span, wanted: try words.selector.map { try wanted($0, view, tenant) },
                hidden: try hidden(view))
            outcome = try export.run { row in
                ExportFormat.write(
                    ExportRow(
                        tenant: row.tenant, labels: row.labels, timestamp: row.timestamp, metadata: row.metadata,
                        line: row.line), into: output.buffer)
                output.pass()
                return !output.failed
            }
        } catch {
            return CommandOutcome(2, "\(error)")
        }
        guard output.sync() else { return CommandOutcome(output.failure == nil ? 0 : 2, output.failure) }
        guard outcome.damaged.isEmpty else {
            let text = outcome.damaged.joined(separator: "\ntailrace: ")
            return CommandOutcome(1, "\(text)\ntailrace: \(outcome.lost) rows are not in the export, which has the rest")
        }
        return CommandOutcome(0, words.output == nil ? nil : "\(outcome.rows) rows exported")
    }

    /// A sieve of a log query, for each tenant there is or for one.
    static func wanted(_ query: String, _ view: StoreView, _ tenant: Tenant?) throws -> DeletionSieve {
        let tenants = tenant.map { [$0] } ?? view.tenants
        return try DeletionSieve(
            tenants.map { DeleteRequest(id: "", tenant: $0, query: query, start: .min, end: .max, createdAt: 0) })
    }

    static func hidden(_ view: StoreView) throws -> DeletionSieve? {
        let open = view.requests.filter { !$0.isProcessed }
        return open.isEmpty ? nil : try DeletionSieve(open)
    }

    /// How a verb ends before it has begun.
    struct Early: Error {
        var outcome: CommandOutcome
    }

    /// `--from` is in it, `--to` is not.
    static func range(from: String?, to: String?) -> Result<TimeRange, Early> {
        let now = Timestamp.now()
        var (start, end) = (Timestamp.min, Timestamp.max)
        for (flag, text) in [("--from", from), ("--to", to)] {
            guard let text else { continue }
            guard let moment = HumanTime.moment(text, now: now) else {
                return .failure(
                    Early(outcome: CommandOutcome(2, "\(flag) is a time such as now-1h or 2026-11-21T10:15:00Z, not \(text)")))
            }
            if flag == "--from" { start = moment } else { end = moment }
        }
        guard start < end else { return .failure(Early(outcome: CommandOutcome(2, "the range ends before it begins"))) }
        return .success(start == .min && end == .max ? .all : TimeRange(start, end))
    }
}
