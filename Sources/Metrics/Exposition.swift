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
            case .counter(let counter): sample(sampleName, labels, nil, counter.value, openMetrics, out)
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
            sample(name + "_bucket", labels, edge, count: total, out)
        }
        sample(name + "_sum", labels, nil, snapshot.sum, openMetrics, out)
        sample(name + "_count", labels, nil, count: total, out)
    }

    private static func sample(
        _ name: String, _ labels: Labels, _ edge: String?, _ value: Double, _ openMetrics: Bool, _ out: ByteArena
    ) {
        head(name, labels, edge, out)
        out.append(openMetrics ? canonical(value) : GoFloat.text(value, .general))
        out.append("\n")
    }

    private static func sample(_ name: String, _ labels: Labels, _ edge: String?, count: UInt64, _ out: ByteArena) {
        head(name, labels, edge, out)
        out.append(String(count))
        out.append("\n")
    }

    private static func head(_ name: String, _ labels: Labels, _ edge: String?, _ out: ByteArena) {
        out.append(name)
        if !labels.isEmpty || edge != nil {
            out.append("{")
            var first = true
            for pair in labels.pairs where !(edge != nil && pair.name == "le") {
                if !first { out.append(",") }
                first = false
                out.append(pair.name)
                out.append("=\"")
                escape(pair.value.string, quotes: true, into: out)
                out.append("\"")
            }
            if let edge {
                if !first { out.append(",") }
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
