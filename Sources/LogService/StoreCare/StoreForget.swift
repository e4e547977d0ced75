import Bytes
import LogModel
import LogQuery
import LogStages
import LogStore
import Metrics

/// The arguments of `tailrace store forget` as typed.
package struct ForgetWords: Sendable {
    package var query: String
    package var target: StoreCare.Target
    package var tenant: String?
    package var from: String?
    package var to: String?
    /// Take the lines off the disk before the command ends.
    package var now: Bool

    package init(
        query: String, target: StoreCare.Target, tenant: String? = nil, from: String? = nil, to: String? = nil, now: Bool = false
    ) {
        self.query = query
        self.target = target
        self.tenant = tenant
        self.from = from
        self.to = to
        self.now = now
    }
}

extension StoreCare {
    /// `store forget`: a delete request, to a server or into a data directory that nobody has open. Prints its id.
    package static func forget(_ words: ForgetWords) async -> CommandOutcome {
        do throws(QueryError) { try HidingReader.check(words.query) } catch { return CommandOutcome(2, error.message) }
        let span: TimeRange
        switch range(from: words.from, to: words.to) {
        case .success(let range): span = range
        case .failure(let outcome): return outcome.outcome
        }
        guard let tenant = Tenant(words.tenant ?? Tenant.fake.name) else {
            return CommandOutcome(2, "--org-id: `\(words.tenant ?? "")` is no tenant")
        }
        let now = Timestamp.now().nanoseconds
        // A request has a beginning and an end that is not ahead.
        let start = words.from == nil ? 0 : span.start.nanoseconds
        let end = words.to == nil ? now : min(now, span.end.advanced(by: -1).nanoseconds)
        guard start < end else { return CommandOutcome(2, "the range ends before it begins") }
        if let address = words.target.address {
            guard !words.now else {
                return CommandOutcome(2, "--now works on a data directory; a server deletes when the request can no longer be taken back")
            }
            return await forget(words, address, start, end)
        }
        do throws(Service.Failure) {
            let plan = try ServicePlan.make(words.target.options)
            let registry = Registry()
            let store = try Service.openStore(plan.store, registry) { StandardErrorText.write("tailrace: \($0)") }
            let id = DeleteRequest.identity()
            let outcome: CommandOutcome
            do throws(StoreError) {
                try store.deletions.add(
                    DeleteRequest(id: id, tenant: tenant, query: words.query, start: start, end: end, createdAt: now))
                if words.now {
                    store.deletePhysically(by: QueryJudge(settings: plan.query))
                    try await store.deleteNow()
                }
                let isDone = store.deletions.all.first { $0.id == id }?.isProcessed ?? false
                outcome =
                    words.now && !isDone
                    ? CommandOutcome(1, "\(id): some lines could not be taken off the disk; they are hidden")
                    : printed("\(id)\n", words.now ? "the lines are gone from the disk" : nil)
            } catch {
                outcome = CommandOutcome(2, error.message)
            }
            await store.close()
            return outcome
        } catch {
            return CommandOutcome(error.status, error.message)
        }
    }

    private static let exact = "2006-01-02T15:04:05.999999999Z07:00"

    private static func forget(_ words: ForgetWords, _ address: String, _ start: Int64, _ end: Int64) async -> CommandOutcome {
        // The API takes whole seconds, or RFC 3339 with a fraction.
        let parameters = [("query", words.query), ("start", GoTime.format(Timestamp(nanoseconds: start), layout: exact)), ("end", GoTime.format(Timestamp(nanoseconds: end), layout: exact))]
            .map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        do throws(CommandFailure) {
            _ = try await ask(address, "POST", "/loki/api/v1/delete?\(parameters)", tenant: words.tenant)
            return CommandOutcome(0)
        } catch { return CommandOutcome(2, error.description) }
    }
}
