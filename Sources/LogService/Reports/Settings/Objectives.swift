import LogConfig

/// What a service promises.
package struct Objectives: Sendable, Equatable {
    /// Percent of the requests that count.
    package var availability = 99.9
    /// Percent of the successful requests that are answered within `latencyUnder`.
    package var latencyShare = 95.0
    /// Nanoseconds.
    package var latencyUnder: Int64 = 2_000_000_000
    /// For how long the error budget is, nanoseconds.
    package var window: Int64 = 30 * 86_400_000_000_000
    /// Statuses that count neither way.
    package var excludedStatuses: [String] = ["400", "429", "499"]

    package init() {}

    package var windowHours: Double { Double(window) / 3.6e12 }

    private static let keys = ["availability", "latency_share", "latency_under", "window", "exclude_status"]

    /// `{availability: 99.9, latency_share: 95, latency_under: 2s, window: 30d, exclude_status: [400, 429, 499]}`, all of it
    /// optional.
    static func decode(_ node: YAMLNode?, _ text: inout SettingsText) -> Objectives {
        var made = Objectives()
        for pair in text.pairs(node, "objectives", keys: keys) {
            switch pair.key {
            case "availability": made.availability = text.number(pair, 0...100) ?? made.availability
            case "latency_share": made.latencyShare = text.number(pair, 0...100) ?? made.latencyShare
            case "latency_under": made.latencyUnder = text.duration(pair) ?? made.latencyUnder
            case "window": made.window = text.duration(pair) ?? made.window
            case "exclude_status": made.excludedStatuses = text.texts(pair) ?? made.excludedStatuses
            default: break
            }
        }
        return made
    }

    /// The file, then what the command line says over it.
    static func make(_ words: ReportWords) throws(ReportFailure) -> Objectives {
        var made = Objectives()
        if let path = words.objectives { made = try SettingsText.load(path, decode) }
        for (flag, value) in [("--availability", words.availability), ("--latency-share", words.latencyShare)] {
            if let value, !(0...100).contains(value) { throw ReportFailure("\(flag) is a percentage, not \(value)") }
        }
        made.availability = words.availability ?? made.availability
        made.latencyShare = words.latencyShare ?? made.latencyShare
        if let text = words.latencyUnder { made.latencyUnder = try span("--latency-under", text) }
        if let text = words.window { made.window = try span("--window", text) }
        if !words.excludedStatuses.isEmpty {
            made.excludedStatuses = words.excludedStatuses.flatMap { $0.split(separator: ",").map(String.init) }
                .filter { $0 != "none" }
        }
        return made
    }

    static func span(_ flag: String, _ text: String) throws(ReportFailure) -> Int64 {
        guard let span = HumanTime.duration(text), span > 0 else {
            throw ReportFailure("\(flag) is a span such as 500ms, 2s or 30d, not \(text)")
        }
        return span
    }
}
