import Bytes
import HTTPTypes
import LogModel
import LogQuery
import LokiWire

/// `delete`: what queries must not show any more.
///
/// A request hides lines from the moment it is answered, and can be taken back for a while. Then the store takes the lines
/// off the disk, and its status changes from `received` to `processed`.
extension LogServer {
    private static var second: Int64 { 1_000_000_000 }
    private static var day: Int64 { 86_400 * second }
    /// Loki's `delete_max_interval`.
    private static var intervalMax: Int64 { day }

    func deletes(_ request: LokiRequest) throws -> Reply {
        guard let log = parts.deletions else { throw Refusal(400, "Retention is not enabled") }
        guard request.limits.deletionEnabled else {
            throw Refusal(403, "deletion is not available for this tenant")
        }
        if request.tenant.isFederated { throw Refusal(400, "multiple org IDs present") }
        switch request.method {
        case .get, .head: return try list(request, log)
        case .delete: return try cancel(request, log)
        default: return try add(request, log)
        }
    }

    private func add(_ request: LokiRequest, _ log: any DeletionLog) throws -> Reply {
        let form = request.form
        let query = form["query"]
        if query.isEmpty { throw Refusal(400, "query not set") }
        do throws(QueryError) { try HidingReader.check(query) } catch { throw Refusal(400, "invalid query expression") }
        let start = form["start"]
        if start.isEmpty { throw Refusal(400, "start time not set") }
        guard let from = Self.moment(start) else {
            throw Refusal(400, "invalid start time: require unix seconds or RFC3339 format")
        }
        var to = request.now
        if !form["end"].isEmpty {
            guard let end = Self.moment(form["end"]) else {
                throw Refusal(400, "invalid end time: require unix seconds or RFC3339 format")
            }
            guard end <= request.now else { throw Refusal(400, "deletes in the future are not allowed") }
            to = end
        }
        guard from < to else { throw Refusal(400, "start time can't be greater than or equal to end time") }
        try Self.checkInterval(form["max_interval"], length: to - from)
        let made = DeleteRequest(
            id: DeleteRequest.identity(), tenant: request.tenant, query: query, start: from, end: to, createdAt: request.now)
        try log.add(made)
        var reply = Reply.noContent
        reply.headers.append((.deleteRequestID, made.id))
        return reply
    }

    private func list(_ request: LokiRequest, _ log: any DeletionLog) throws -> Reply {
        var requests = log.requests(of: request.tenant)
        let form = request.form
        if !form["start"].isEmpty, !form["end"].isEmpty {
            guard let start = Self.moment(form["start"]), let end = Self.moment(form["end"]) else {
                throw Refusal(400, "invalid start time: require unix seconds or RFC3339 format")
            }
            requests.removeAll { $0.end < start || $0.start > end }
        }
        return .json(contentType: Reply.bareJSON, gzipFrom: request.gzipFrom) { CatalogueAnswer.deleteRequests(requests, into: $0) }
    }

    private func cancel(_ request: LokiRequest, _ log: any DeletionLog) throws -> Reply {
        let id = request.form["request_id"]
        guard let known = log.requests(of: request.tenant).first(where: { $0.id == id }) else {
            throw Refusal(404, "could not find delete request with given id")
        }
        if known.isProcessed { throw Refusal(400, "deletion of request which is in process or already processed is not allowed") }
        let period = parts.deleteCancelPeriod
        if request.now - known.createdAt > period, request.form["force"] != "true" {
            throw Refusal(
                400, "deletion of request past the deadline of \(Self.goDuration(period)) since its creation is not allowed")
        }
        guard try log.remove(id: id, of: request.tenant) else {
            throw Refusal(404, "could not find delete request with given id")
        }
        return .noContent
    }

    /// Unix seconds in exactly ten digits, or RFC 3339.
    private static func moment(_ text: String) -> Int64? {
        if text.utf8.count == 10, text.utf8.allSatisfy(\.isDigit), let seconds = Int64(text) {
            // Ten digits reach beyond the calendar, which ends in 2262.
            let (product, overflow) = seconds.multipliedReportingOverflow(by: second)
            return overflow ? .max : product
        }
        return text.withView { RFC3339.parse($0) }
    }

    /// `max_interval` divides the work of Loki's compactor; there is nothing to divide here, but a wrong one is wrong.
    private static func checkInterval(_ text: String, length: Int64) throws(Refusal) {
        if text.isEmpty { return }
        guard let interval = goDuration(text), interval >= second else {
            throw Refusal(400, "invalid max_interval: valid time units are 's', 'm', 'h'")
        }
        guard interval <= intervalMax else { throw Refusal(400, "max_interval can't be greater than 24h0m0s") }
        guard interval <= length else {
            throw Refusal(400, "max_interval can't be greater than the interval to be deleted (\(goDuration(length)))")
        }
    }

    private static func goDuration(_ text: String) -> Int64? {
        // Go's syntax is that of Prometheus without days, and with its units in any order.
        guard !text.utf8.contains(where: { "dwy".utf8.contains($0) }) else { return nil }
        return try? Parameters.prometheusDuration(text)
    }

    private static func goDuration(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds / second
        return "\(seconds / 3_600)h\(seconds / 60 % 60)m\(seconds % 60)s"
    }
}
