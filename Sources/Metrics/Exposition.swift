import Bytes
import LogModel

/// The text formats that Prometheus scrapes.
package enum Exposition {
    package static let textContentType = "text/plain; version=0.0.4; charset=utf-8"
    package static let openMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    static func write(_ name: String, _ family: Registry.Family, openMetrics: Bool, into out: ByteArena) {
        // OpenMetrics names a counter family without the suffix that its samples carry.
        let suffixed = name.hasSuffix("_total")
        let isCounter = family.kind == .counter
        let familyName = openMetrics && isCounter && suffixed ? String(name.dropLast("_total".count)) : name
        let sampleName = openMetrics && isCounter && !suffixed ? name + "_total" : name

        if !family.help.isEmpty {
            out.append("# HELP ")
            out.append(familyName)
            out.append(" ")
            escape(family.help, quotes: openMetrics, into: out)
            out.append("\n")
        }
        out.append("# TYPE ")
        out.append(familyName)
        out.append(" ")
        out.append(family.kind.rawValue)
        out.append("\n")
        for (labels, instrument) in family.series.sorted(by: { $0.key < $1.key }) {
            switch instrument {
            case .counter(let counter):
                sample(sampleName, labels, nil, counter.value, openMetrics, out, openMetrics ? counter.exemplar : nil)
            case .gauge(let gauge): sample(sampleName, labels, nil, gauge.value, openMetrics, out)
            case .observed(let read): sample(sampleName, labels, nil, read(), openMetrics, out)
            case .histogram(let histogram): write(name, labels, histogram, openMetrics, out)
            }
        }
    }

    private static func write(
        _ name: String, _ labels: Labels, _ histogram: Histogram, _ openMetrics: Bool, _ out: ByteArena
    ) {
        let snapshot = histogram.snapshot
        var total: UInt64 = 0
        for (i, bound) in (histogram.bounds + [.infinity]).enumerated() {
            total &+= snapshot.counts[i]
            let edge = openMetrics ? canonical(bound) : GoFloat.text(bound, .general)
            let exemplar = openMetrics && i < snapshot.exemplars.count ? snapshot.exemplars[i] : nil
            sample(name + "_bucket", labels, edge, count: total, out, exemplar)
        }
        sample(name + "_sum", labels, nil, snapshot.sum, openMetrics, out)
        sample(name + "_count", labels, nil, count: total, out)
    }

    private static func sample(
        _ name: String, _ labels: Labels, _ edge: String?, _ value: Double, _ openMetrics: Bool, _ out: ByteArena,
        _ exemplar: Exemplar? = nil
    ) {
        head(name, labels, edge, out)
        out.append(openMetrics ? canonical(value) : GoFloat.text(value, .general))
        tail(exemplar, out)
    }

    private static func sample(
        _ name: String, _ labels: Labels, _ edge: String?, count: UInt64, _ out: ByteArena, _ exemplar: Exemplar? = nil
    ) {
        head(name, labels, edge, out)
        out.append(String(count))
        tail(exemplar, out)
    }

    /// The exemplar, if there is one, and the end of the line: ` # {trace_id="…"} 0.67 1520879607.789`.
    private static func tail(_ exemplar: Exemplar?, _ out: ByteArena) {
        if let exemplar {
            out.append(" # {")
            pairs(exemplar.labels, without: nil, out)
            out.append("} ")
            out.append(canonical(exemplar.value))
            out.append(" ")
            out.append(seconds(exemplar.time.nanoseconds))
        }
        out.append("\n")
    }

    /// Seconds since 1970 with milliseconds.
    private static func seconds(_ nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        let fraction = String((milliseconds % 1_000).magnitude)
        let sign = milliseconds < 0 && milliseconds > -1_000 ? "-" : ""
        return sign + "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
    }

    /// `a="b",c="d"`; whether anything was written.
    @discardableResult
    private static func pairs(_ labels: Labels, without name: ByteString?, _ out: ByteArena) -> Bool {
        var first = true
        for pair in labels.pairs where pair.name != name {
            if !first { out.append(",") }
            first = false
            out.append(pair.name)
            out.append("=\"")
            escape(pair.value.string, quotes: true, into: out)
            out.append("\"")
        }
        return !first
    }

    private static func head(_ name: String, _ labels: Labels, _ edge: String?, _ out: ByteArena) {
        out.append(name)
        if !labels.isEmpty || edge != nil {
            out.append("{")
            let any = pairs(labels, without: edge == nil ? nil : "le", out)
            if let edge {
                if any { out.append(",") }
                out.append("le=\"")
                out.append(edge)
                out.append("\"")
            }
            out.append("}")
        }
        out.append(" ")
    }

    /// OpenMetrics wants floating-point numbers to look like some.
    private static func canonical(_ value: Double) -> String {
        let text = GoFloat.text(value, .general)
        return value.isFinite && !text.utf8.contains(0x2E) && !text.utf8.contains(0x65) ? text + ".0" : text
    }

    private static func escape(_ text: String, quotes: Bool, into out: ByteArena) {
        for byte in text.utf8 {
            switch byte {
            case 0x5C: out.append("\\\\")
            case 0x0A: out.append("\\n")
            case 0x22 where quotes: out.append("\\\"")
            default: out.append(byte)
            }
        }
    }
}
