import Bytes
import LogModel
import LokiWire
import Testing

@testable import LogService

@Suite struct DiffWordsTests {
    private static let hour: Int64 = 3_600_000_000_000
    private let now = Timestamp(nanoseconds: 500_000 * hour)

    private func ago(_ hours: Int64) -> Timestamp { now.advanced(by: -hours * Self.hour) }

    @Test func windowsAreReadAsPeopleWriteThem() throws {
        let relative = try DiffWords(before: "2h..1h", after: "1h..now").windows(now: now)
        #expect(relative.before == TimeRange(ago(2), ago(1)) && relative.after == TimeRange(ago(1), now))
        let open = try DiffWords(before: "now-3h..2h", after: "1h..").windows(now: now)
        #expect(open.before == TimeRange(ago(3), ago(2)) && open.after == TimeRange(ago(1), now))
        let absolute = try DiffWords(
            before: "2026-11-21T10:15:00Z..2026-11-21T11:15:00.5Z", after: "1795260000..1795263600"
        ).windows(now: now)
        #expect(absolute.before.end.nanoseconds - absolute.before.start.nanoseconds == Self.hour + 500_000_000)
        #expect(absolute.after.start.nanoseconds == 1_795_260_000_000_000_000)
        let deploy = try DiffWords(deploy: "3h", window: "2h").windows(now: now)
        #expect(deploy.before == TimeRange(ago(5), ago(3)) && deploy.after == TimeRange(ago(3), ago(1)))
        // What has not happened yet cannot be compared.
        #expect(try DiffWords(deploy: "30m").windows(now: now).after.end == now)
    }

    @Test(arguments: [
        DiffWords(), DiffWords(before: "2h..1h"), DiffWords(before: "1h..2h", after: "1h..now"),
        DiffWords(before: "2h", after: "1h..now"), DiffWords(before: "x..y", after: "1h..now"),
        DiffWords(before: "2h..1h", after: "1h..now", deploy: "1h"), DiffWords(deploy: "soon"),
        DiffWords(deploy: "1h", window: "long"), DiffWords(before: "2h..1h", after: "1h..now", window: "1h"),
    ])
    func whatIsNoWindowIsRefused(words: DiffWords) { #expect(throws: DiffWords.Problem.self) { try words.windows(now: now) } }

    private static let report = DiffReport(
        before: .init(range: TimeRange(Timestamp(nanoseconds: 0), Timestamp(nanoseconds: hour)), rows: 1_000),
        after: .init(range: TimeRange(Timestamp(nanoseconds: hour), Timestamp(nanoseconds: 2 * hour)), rows: 2_000),
        by: "host", scale: 2,
        changes: [
            .init(direction: .new, kind: "text", field: "msg", text: "disk <_> \u{1B}[31mfull", before: 0, after: 52, expected: 0, score: 72.5),
            .init(direction: .gone, kind: "value", field: "model", text: "old", before: 90, after: 0, expected: 180, score: -99),
            .init(
                direction: .more, kind: "label", field: "zone", text: "a", before: 100, after: 502, expected: 200, score: 50,
                groups: ["h1", "h2"]),
            .init(direction: .less, kind: "field", field: "err", text: "err", before: 100, after: 50, expected: 200, score: -50),
        ],
        found: 9, compared: 812, leftOut: ["id"], isCut: false)

    @Test func theAnswerReadsBackAsItWasWritten() throws {
        let out = ByteArena()
        DiffAnswer.write(Self.report, into: out)
        #expect(try DiffReport.parse(out.view) == Self.report)
        #expect(throws: DecodeError.self) { try "{}".withView { view throws(DecodeError) in try DiffReport.parse(view) } }
        #expect(throws: DecodeError.self) { try "404".withView { view throws(DecodeError) in try DiffReport.parse(view) } }
    }

    @Test func theTableSaysOneChangeALine() {
        let lines = DiffTable(Self.report, width: nil, colours: false).text().split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[0] == "before 1970-01-01T00:00:00.000000Z .. 1970-01-01T01:00:00.000000Z  1000 lines")
        #expect(lines[3] == "       before  after    ratio  what")
        // A terminal would obey what stands in log text.
        #expect(lines[4] == "new         0     52           msg: disk <_> \\x1b[31mfull")
        #expect(lines[5] == "gone       90      0           model = old")
        #expect(lines[6] == "more      100    502    ×2.51  label zone = a [host=h1,h2]")
        #expect(lines[7] == "less      100     50    ×0.25  field err")
        #expect(lines[9] == "5 more: --limit 0 shows all")
        let narrow = DiffTable(Self.report, width: 40, colours: true).text()
        #expect(narrow.contains("\u{1B}[32mnew  ") && narrow.contains("…\u{1B}[0m"))
        var none = Self.report
        none.changes = []
        #expect(DiffTable(none, width: nil, colours: false).text().contains("no change in 812 things compared"))
    }
}
