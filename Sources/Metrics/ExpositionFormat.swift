/// Which text format a scraper gets: what its `Accept` header likes best of what there is.
///
/// Prometheus lists OpenMetrics before the plain text with falling `q`. A browser, curl and everything that names
/// neither gets plain text; at equal `q` OpenMetrics goes first, since whoever names it can read exemplars.
package enum ExpositionFormat: Sendable {
    case text, openMetrics

    /// `accept`: the header's value; nil: there is none. O(its length).
    package init(accept: String?) {
        var open = 0.0
        var plain = 0.0
        for entry in (accept ?? "").utf8.split(separator: UInt8(ascii: ",")).prefix(64) {
            let parts = entry.split(separator: UInt8(ascii: ";")).map { Self.trimmed($0) }
            guard let type = parts.first else { continue }
            let quality = Self.quality(parts.dropFirst())
            switch type {
            case "application/openmetrics-text":
                let version = Self.value("version=", parts.dropFirst())
                // What there is is 1.0.0, which every reader of 0.0.1 takes too.
                if version == nil || version == "1.0.0" || version == "0.0.1" { open = max(open, quality) }
            case "text/plain", "text/*", "*/*": plain = max(plain, quality)
            default: break
            }
        }
        self = open > 0 && open >= plain ? .openMetrics : .text
    }

    package var contentType: String {
        switch self {
        case .text: Exposition.textContentType
        case .openMetrics: Exposition.openMetricsContentType
        }
    }

    private static func quality(_ parameters: ArraySlice<String>) -> Double {
        guard let text = value("q=", parameters) else { return 1 }
        return Double(text).map { min(1, max(0, $0)) } ?? 0
    }

    private static func value(_ name: String, _ parameters: ArraySlice<String>) -> String? {
        parameters.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.utf8.count)) }
    }

    private static func trimmed(_ text: Substring.UTF8View.SubSequence) -> String {
        String(decoding: text.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") && $0 != UInt8(ascii: "\"") }, as: UTF8.self)
            .lowercased()
    }
}
