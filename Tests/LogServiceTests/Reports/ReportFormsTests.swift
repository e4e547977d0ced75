import Bytes
import LogModel
import Testing

@testable import LogService

@Suite struct ReportFormsTests {
    private static let hostile = "<script>alert(\"1\")</script>&'\u{1B}[31m"

    private static func report() -> ReportDocument {
        let start = Timestamp(nanoseconds: 1_793_491_200_000_000_000)
        var report = ReportDocument(
            kind: "slo", title: "Title \(hostile)", selector: hostile, range: TimeRange(start, start.advanced(by: 3_600_000_000_000)))
        report.figures = [
            .init("requests", "requests", .integer(1_234_567)), .init("share", "share", .init(99.95, digits: 3), unit: "%"),
            .init("unknown", "unknown", .init(.nan, digits: 1), unit: "%"),
        ]
        report.tables = [
            .init("models", "By model \(hostile)", [.init("model", "model"), .init("cost", "cost \(hostile)")],
                rows: [[.text(hostile), .number(0.5, digits: 2)], [.text("=1+1"), .missing], [.text("a,b\r\n\"c\""), .integer(3)]]),
            .init("detail", "Detail", [.init("x", "x")], rows: [[.integer(1)]], isDetail: true),
        ]
        var plot = ReportDocument.Plot("Plot \(hostile)", yLabel: hostile, series: [
            .init(hostile, .line, [(1, 2), (2, .nan), (3, 4), (4, .infinity)]), .init("bars", .bars, [(1, 1), (3, 2)]),
            .init("points", .points, [(2, 3)]),
        ])
        plot.marks = [(2, hostile)]
        plot.target = (3, hostile)
        report.plots = [plot, ReportDocument.Plot("Empty", x: .number(hostile), yLabel: "y", series: [])]
        report.notes = ["note \(hostile)"]
        report.refusal = "refused \(hostile)"
        report.queries = ["query \(hostile)"]
        return report
    }

    @Test func aPageRunsAndLoadsNothing() throws {
        let page = ReportHTML.text(Self.report())
        let lower = page.lowercased()
        for word in ["<script", "javascript:", "src=", "href=", "url(", "onload", "@import", "nan", "inf,"] {
            #expect(!lower.contains(word), "\(word)")
        }
        #expect(page.contains("default-src 'none'") && page.contains("&lt;script&gt;") && page.contains("<svg"))
        // Every element that is opened is closed, so nothing escaped from its place.
        for tag in ["table", "tr", "td", "svg", "figure", "details", "ul", "li", "dl", "div", "html", "body"] {
            let opened = page.count(of: "<\(tag)>") + page.count(of: "<\(tag) ")
            #expect(opened == page.count(of: "</\(tag)>"), "\(tag)")
        }
    }

    @Test func jsonIsJSONWithNullsForWhatIsNotKnown() throws {
        let text = ByteString(ReportJSON.text(Self.report()))
        var cursor = JSONCursor()
        try text.withView { view throws(JSONCursor.Failure) in
            try cursor.scan(view)
            let document = JSONDocument(cursor: cursor, text: view)
            let figures = document.member("figures", of: 0) ?? 0
            #expect(document.member("unknown", of: figures).map { document.text($0).string } == "null")
            #expect(document.member("share", of: figures).map { document.text($0).string } == "99.95")
            #expect(document.member("selector", of: 0).map { document.text($0).string } == Self.hostile)
            let models = document.member("tables", of: 0).flatMap { document.member("models", of: $0) }.map { document.items(of: $0) } ?? []
            #expect(models.count == 3 && models.first.flatMap { document.member("model", of: $0) }.map { document.text($0).string } == Self.hostile)
        }
    }

    @Test func csvIsQuotedAndNoFormula() {
        let lines = ReportCSV.text(Self.report().tables[0])
        #expect(lines.hasPrefix("model,cost\r\n\"<script>alert(\"\"1\"\")</script>&'\u{1B}[31m\",0.5\r\n'=1+1,\r\n\"a,b\r\n\"\"c\"\"\",3\r\n"))
    }

    @Test func terminalsObeyNothing() {
        let text = ReportText.text(Self.report())
        #expect(!text.utf8.contains(0x1B) && text.contains("1 234 567") && text.contains("99.950 %") && text.contains("unknown   –\n"))
        #expect(!text.contains("Detail"))
    }

    @Test func numbersArePrintedAsPeopleReadThem() {
        #expect(NumberText.fixed(0.005, digits: 2) == "0.01" && NumberText.fixed(-1.25, digits: 1) == "-1.3")
        #expect(NumberText.fixed(-0.001, digits: 2) == "0.00" && NumberText.fixed(1e300, digits: 2) == "1e+300")
        #expect(NumberText.grouped(1_234.5, digits: 2) == "1234.50" && NumberText.grouped(-12_345.5, digits: 1) == "-12 345.5")
        #expect(NumberText.fixed(.nan, digits: 1) == "–" && NumberText.fixed(7, digits: 0) == "7")
    }

    @Test func ticksAreRound() {
        #expect(PlotSVG.ticks(0, 10) == [0, 2, 4, 6, 8, 10])
        #expect(PlotSVG.ticks(0, 0.05).count >= 4 && PlotSVG.ticks(3, 3) == [3])
        #expect(PlotSVG.ticks(0, 7_777).allSatisfy { $0.truncatingRemainder(dividingBy: 1_000) == 0 })
    }
}

extension String {
    fileprivate func count(of needle: String) -> Int {
        var found = 0
        var at = utf8.startIndex
        while at < utf8.endIndex {
            if utf8[at...].starts(with: needle.utf8) { found += 1 }
            at = utf8.index(after: at)
        }
        return found
    }
}
