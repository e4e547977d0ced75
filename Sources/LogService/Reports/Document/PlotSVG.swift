import LogModel

/// A plot as inline SVG: axes with round numbers, a legend, lines, points or bars.
struct PlotSVG {
    private let plot: ReportDocument.Plot
    private let x: (low: Double, high: Double)
    private let y: (low: Double, high: Double)
    private let ticks: [Double]

    private static let width = 760.0
    private static let height = 270.0
    private static let margin = (left: 64.0, right: 14.0, top: 14.0, bottom: 40.0)
    /// Okabe and Ito's colours, which nearly everybody can tell apart.
    private static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#999999"]

    init(_ plot: ReportDocument.Plot) {
        self.plot = plot
        let points = plot.series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
        let xs = points.map(\.x) + plot.marks.map(\.x)
        let low = xs.min() ?? 0
        let high = xs.max() ?? 1
        x = low < high ? (low, high) : (low - 0.5, high + 0.5)
        var floor = min(0, points.map(\.y).min() ?? 0)
        var top = points.map(\.y).max() ?? 1
        if let target = plot.target { top = max(top, target.y) }
        // Shares near 100 % say nothing on an axis from 0.
        if let target = plot.target, let least = points.map(\.y).min(), least > 50, top <= 100 {
            floor = min(least, target.y)
            floor -= max(0.05, (100 - floor) * 0.1)
            top = 100
        }
        if top <= floor { top = floor + 1 }
        ticks = Self.ticks(floor, top)
        y = (min(floor, ticks.first ?? floor), max(top, ticks.last ?? top))
    }

    /// Round numbers that cover a range: steps of 1, 2 or 5 times a power of ten, about five of them.
    static func ticks(_ low: Double, _ high: Double) -> [Double] {
        let span = high - low
        guard span > 0, span.isFinite else { return [low] }
        var power = 1.0
        while power * 10 <= span / 5 { power *= 10 }
        while power > span / 5 { power /= 10 }
        let step = [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= 6 } ?? power * 10
        let first = (low / step).rounded(.up)
        let last = (high / step).rounded(.down)
        guard last >= first, last - first < 100 else { return [low, high] }
        return (0...Int(last - first)).map { (first + Double($0)) * step }
    }

    func text() -> String {
        let m = Self.margin
        let (right, bottom) = (Self.width - m.right, Self.height - m.bottom)
        var out = "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" aria-label=\"\(ReportHTML.escape(plot.title))\">\n"
        let digits = Self.digits(ticks)
        for tick in ticks {
            let at = place(y: tick)
            out += "<line class=\"grid\" x1=\"\(n(m.left))\" x2=\"\(n(right))\" y1=\"\(n(at))\" y2=\"\(n(at))\"/>"
            out += label(m.left - 6, at + 4, NumberText.grouped(tick, digits: digits), anchor: "end")
        }
        for (value, text) in horizontal() {
            out += label(place(x: value), bottom + 16, text, anchor: "middle")
        }
        if case .number(let name) = plot.x { out += label((m.left + right) / 2, Self.height - 6, name, anchor: "middle") }
        out += label(m.left, 10, plot.yLabel, anchor: "start") + "\n"
        let bars = plot.series.filter { $0.style == .bars }.count
        for (i, series) in plot.series.enumerated() {
            let colour = Self.colours[i % Self.colours.count]
            switch series.style {
            case .line: out += line(series, colour)
            case .points:
                for point in series.points where point.x.isFinite && point.y.isFinite {
                    out += "<circle cx=\"\(n(place(x: point.x)))\" cy=\"\(n(place(y: point.y)))\" r=\"2\" fill=\"\(colour)\" fill-opacity=\".55\"/>"
                }
            case .bars:
                let count = Double(max(1, series.points.count))
                let width = max(1, (right - m.left) / count * 0.8 / Double(max(1, bars)))
                for point in series.points where point.x.isFinite && point.y.isFinite {
                    let top = place(y: point.y)
                    out += "<rect x=\"\(n(min(place(x: point.x), right - width)))\" y=\"\(n(top))\" width=\"\(n(width))\" "
                    out += "height=\"\(n(max(0, place(y: 0) - top)))\" fill=\"\(colour)\"/>"
                }
            }
            out += "\n"
        }
        if let target = plot.target {
            let at = place(y: target.y)
            out += "<line x1=\"\(n(m.left))\" x2=\"\(n(right))\" y1=\"\(n(at))\" y2=\"\(n(at))\" stroke=\"#d55e00\" stroke-dasharray=\"5 4\"/>"
            out += label(right, at - 4, target.label, anchor: "end") + "\n"
        }
        for mark in plot.marks {
            let at = place(x: mark.x)
            out += "<line x1=\"\(n(at))\" x2=\"\(n(at))\" y1=\"\(n(m.top))\" y2=\"\(n(bottom))\" stroke=\"#d55e00\" stroke-dasharray=\"5 4\"/>"
            out += label(at + 4, m.top + 12, mark.label, anchor: "start") + "\n"
        }
        return out + legend() + "</svg>"
    }

    private func line(_ series: ReportDocument.Plot.Series, _ colour: String) -> String {
        var paths: [String] = []
        var current: [String] = []
        for point in series.points {
            // Where there is no value the line is broken: nothing is not zero.
            guard point.x.isFinite, point.y.isFinite else {
                if !current.isEmpty { paths.append(current.joined(separator: " ")) }
                current = []
                continue
            }
            current.append("\(n(place(x: point.x))),\(n(place(y: point.y)))")
        }
        if !current.isEmpty { paths.append(current.joined(separator: " ")) }
        return paths.map {
            "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.6\" stroke-linecap=\"square\" points=\"\($0)\"/>"
        }.joined()
    }

    private func legend() -> String {
        guard plot.series.count > 1 else { return "" }
        var out = ""
        var at = Self.margin.left + 120
        for (i, series) in plot.series.enumerated() {
            let name = SafeText.printable(String(series.name.prefix(40)))
            out += "<rect x=\"\(n(at))\" y=\"3\" width=\"9\" height=\"9\" fill=\"\(Self.colours[i % Self.colours.count])\"/>"
            out += label(at + 13, 12, name, anchor: "start")
            at += 26 + Double(name.count) * 6.2
        }
        return out + "\n"
    }

    private func horizontal() -> [(Double, String)] {
        switch plot.x {
        case .number:
            let ticks = Self.ticks(x.low, x.high)
            let digits = Self.digits(ticks)
            return ticks.map { ($0, NumberText.grouped($0, digits: digits)) }
        case .time:
            let isLong = x.high - x.low > 3 * 86_400
            return (0...4).map { i in
                let at = x.low + (x.high - x.low) * (Double(i) + 0.5) / 5
                let text = RFC3339Text.text(Int64(at) * 1_000_000_000)
                // `11-21` or `11-21 10:15`
                return (at, isLong ? String(text.dropFirst(5).prefix(5)) : "\(text.dropFirst(5).prefix(5)) \(text.dropFirst(11).prefix(5))")
            }
        }
    }

    private func place(x value: Double) -> Double {
        Self.margin.left + (value - x.low) / (x.high - x.low) * (Self.width - Self.margin.left - Self.margin.right)
    }

    private func place(y value: Double) -> Double {
        Self.height - Self.margin.bottom
            - (value - y.low) / (y.high - y.low) * (Self.height - Self.margin.top - Self.margin.bottom)
    }

    private func label(_ x: Double, _ y: Double, _ text: String, anchor: String) -> String {
        "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\">\(ReportHTML.escape(text))</text>"
    }

    private func n(_ value: Double) -> String { NumberText.fixed(value, digits: 1) }

    private static func digits(_ ticks: [Double]) -> Int {
        guard ticks.count > 1 else { return 0 }
        let step = ticks[1] - ticks[0]
        return step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : step >= 0.001 ? 3 : 4
    }
}
