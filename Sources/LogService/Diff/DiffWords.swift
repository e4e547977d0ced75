import LogModel

/// The arguments of `tailrace diff` as typed.
package struct DiffWords: Sendable {
    package var selector: String
    package var before: String?
    package var after: String?
    package var deploy: String?
    package var window: String?
    package var by: String?
    package var limit: Int
    package var json: Bool
    package var address: String?
    package var data: String?
    package var tenant: String?

    package init(
        selector: String = "{}", before: String? = nil, after: String? = nil, deploy: String? = nil, window: String? = nil,
        by: String? = nil, limit: Int = 20, json: Bool = false, address: String? = nil, data: String? = nil,
        tenant: String? = nil
    ) {
        self.selector = selector
        self.before = before
        self.after = after
        self.deploy = deploy
        self.window = window
        self.by = by
        self.limit = limit
        self.json = json
        self.address = address
        self.data = data
        self.tenant = tenant
    }

    package struct Problem: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    /// The two windows. `2h..1h` is from two hours ago to one hour ago; an end left out is now.
    package func windows(now: Timestamp) throws(Problem) -> (before: TimeRange, after: TimeRange) {
        if let deploy {
            guard before == nil, after == nil else {
                throw Problem(description: "--deploy gives both windows: leave out --before and --after")
            }
            guard let moment = Self.moment(deploy, now) else { throw Self.badTime("--deploy", deploy) }
            let text = window ?? "1h"
            guard let span = HumanTime.duration(text), span > 0 else {
                throw Problem(description: "--window is a span such as 30m or 1h, not \(text)")
            }
            return (
                TimeRange(moment.advanced(by: -span), moment), TimeRange(moment, min(moment.advanced(by: span), now))
            )
        }
        guard window == nil else { throw Problem(description: "--window goes with --deploy") }
        guard let before, let after else {
            throw Problem(description: "say what to compare: --before FROM..TO --after FROM..TO, or --deploy TIME")
        }
        return (try Self.range("--before", before, now), try Self.range("--after", after, now))
    }

    private static func range(_ flag: String, _ text: String, _ now: Timestamp) throws(Problem) -> TimeRange {
        var at = text.utf8.startIndex
        while at < text.utf8.endIndex, !text.utf8[at...].starts(with: "..".utf8) { at = text.utf8.index(after: at) }
        guard at < text.utf8.endIndex else {
            throw Problem(description: "\(flag) is a window FROM..TO such as 2h..1h, not \(text)")
        }
        let from = String(text[..<at])
        let to = String(text[at...].dropFirst(2))
        guard let start = moment(from, now) else { throw badTime(flag, from) }
        guard let end = to.isEmpty ? now : moment(to, now) else { throw badTime(flag, to) }
        guard start < end else { throw Problem(description: "\(flag) \(text) ends before it begins") }
        return TimeRange(start, end)
    }

    /// As everywhere on the command line, and a bare span for so long ago.
    private static func moment(_ text: String, _ now: Timestamp) -> Timestamp? {
        if let span = HumanTime.duration(text) { return now.advanced(by: -span) }
        return HumanTime.moment(text, now: now)
    }

    private static func badTime(_ flag: String, _ text: String) -> Problem {
        Problem(description: "\(flag): \(text) is no time: use 2h, now-2h, 2026-11-21T10:15:00Z, or seconds since 1970")
    }
}
