import Bytes
import LogModel
import LogQuery
import LokiWire

extension LogServer {
    /// `tailrace/api/v1/diff`: what changed between two windows of time.
    func diff(_ request: LokiRequest) throws -> Reply {
        let form = request.form
        let query = form["query"]
        let isEverything = query.isEmpty || query.utf8.filter { !$0.isJSONSpace } == Array("{}".utf8)
        let (before, after) = try windows(request)
        var asked = DiffRequest(
            tenant: request.tenant, matchers: isEverything ? [] : try selector(query), before: before, after: after,
            by: form["by"].isEmpty ? nil : ByteString(form["by"]),
            limit: try Parameters.inRange(form["limit"].isEmpty ? 20 : try Parameters.integer(form["limit"]), "limit"),
            limits: request.limits, cancel: request.cancel)
        if !form["min_ratio"].isEmpty {
            guard let ratio = Parameters.float(form["min_ratio"]), ratio >= 1, ratio.isFinite else {
                throw Refusal(400, "min_ratio is a factor of 1 or more, for instance 1.5")
            }
            asked.ratioMin = ratio
        }
        let report = try DiffEngine(store: parts.reader).run(asked)
        return .json(gzipFrom: request.gzipFrom) { DiffAnswer.write(report, into: $0) }
    }

    /// `before` and `after` as `START..END`, or `deploy` and `window`.
    private func windows(_ request: LokiRequest) throws(Refusal) -> (TimeRange, TimeRange) {
        let form = request.form
        if !form["deploy"].isEmpty {
            let deploy = Timestamp(nanoseconds: try Parameters.timestamp(form["deploy"], default: request.now))
            let window =
                form["window"].isEmpty ? 3_600_000_000_000 : try Parameters.secondsOrDuration(form["window"])
            guard window > 0 else { throw Refusal(400, "window must be longer than nothing") }
            return (
                TimeRange(deploy.advanced(by: -window), deploy), TimeRange(deploy, deploy.advanced(by: window))
            )
        }
        return (try window("before", request), try window("after", request))
    }

    private func window(_ name: String, _ request: LokiRequest) throws(Refusal) -> TimeRange {
        let text = request.form[name]
        // The first two dots that are no decimal point's.
        var at = text.utf8.startIndex
        while at < text.utf8.endIndex, !text.utf8[at...].starts(with: "..".utf8) { at = text.utf8.index(after: at) }
        guard at < text.utf8.endIndex, at > text.utf8.startIndex else {
            throw Refusal(400, "\(name) is a window START..END, each a time in RFC 3339 or since 1970")
        }
        let end = String(text[at...].dropFirst(2))
        let low = try Parameters.timestamp(String(text[..<at]), default: request.now)
        let high = try Parameters.timestamp(end, default: request.now)
        return TimeRange(Timestamp(nanoseconds: low), Timestamp(nanoseconds: high))
    }
}
