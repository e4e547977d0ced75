import Bytes
import Glibc
import LogConfig
import LogModel
import LogService
import Testing

/// `tailrace test`: what passes, what does not, and which stage is named.
@Suite struct PipelineTesterTests {
    private static let pipeline = """
        redaction: {}
        store: {}
        scrape_configs:
          - job_name: api
            static_configs: [{targets: [x], labels: {job: api, __path__: /x}}]
            pipeline_stages:
              - json: {expressions: {level: , ts: , n: }}
              - timestamp: {source: ts, format: RFC3339Nano}
              - template: {source: level, template: '{{ ToUpper .Value }}'}
              - labels: {level: }
              - drop: {source: level, value: DEBUG}
              - metrics: {n_total: {type: Counter, prefix: '', source: n, labels: [level], config: {action: add}}}

        """

    private static func run(_ tests: String, pipeline: String = pipeline, coverage: Bool = false) throws -> PipelineTester.Report {
        var name = Array("/tmp/tailrace-pipeline-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&name).map { String(cString: $0) })
        let path = folder + "/p.yaml"
        defer {
            unlink(path)
            rmdir(folder)
        }
        let file = try #require(fopen(path, "w"))
        fputs(pipeline + tests, file)
        fclose(file)
        return PipelineTester.run(paths: [path], coverage: coverage)
    }

    private static let input = #"""
        tests:
          - name: errors
            input:
              - '{"level":"error","ts":"2026-02-03T04:05:06.5Z","n":2,"mail":"a@b.example"}'
              - '{"level":"debug"}'
            expect:

        """#

    @Test func passes() throws {
        let report = try Self.run(
            Self.input + #"""
                  entries:
                    - labels: {job: api, level: ERROR}
                      timestamp: '2026-02-03T04:05:06.5Z'
                      line_contains: '[REDACTED:email]'
                      line_not_contains: a@b.example
                      line_matches: '^\{"level"'
                  dropped: 1
                  metrics: {'n_total{level="ERROR"}': 2, n_total: 2}
            """#)
        #expect(report.status == 0 && report.passed == 1, "\(report.text)")
    }

    /// What is expected instead, and the words that tell what came.
    @Test(arguments: [
        ("entries: [{labels: {job: api, level: error}}]", [#"entry 1: label level: "ERROR", not "error""#, "stage 4 `labels` made it so"]),
        ("entries: [{timestamp: '2026-02-03T04:05:06Z'}]", ["time 2026-02-03T04:05:06.5Z, not 2026-02-03T04:05:06Z", "stage 2 `timestamp`"]),
        ("entries: [{line: x}]", ["entry 1: line", "is not \"x\"", "no stage has changed it"]),
        ("entries: [a, b]", ["1 entries, not 2", "ends at stage 5 `drop`"]), ("dropped: 0", ["dropped: 1, not 0", "stage 5 `drop`"]),
        ("metrics: {n_total: 3}", ["metric n_total: 2.0, not 3.0"]),
        ("metrics: {'n_total{level=\"INFO\"}': 1}", ["there is none", #"{level="ERROR"}"#]),
    ])
    func differences(expect: String, words: [String]) throws {
        let report = try Self.run(Self.input + "      " + expect + "\n")
        #expect(report.status == 1 && report.failed == 1)
        for word in words { #expect(report.text.contains(word), "\(word)\n\(report.text)") }
    }

    @Test(arguments: [
        ("", "no tests"), ("tests: [{name: a, input: [x]}]\n", "`expect` is missing"), ("tests: [{name: a, expect: {dropped: 0}}]\n", "`input` is missing"),
        ("tests: [{name: a, job: b, input: [x], expect: {dropped: 0}}]\n", "no job `b`"),
        ("tests: [{name: a, input: [x], expect: {entries: [{lines: x}]}}]\n", "did you mean `line`"),
        ("tests: [{name: a, input: [x], expect: {}}]\n", "expects nothing"),
    ])
    func mistakes(tests: String, words: String) throws {
        let report = try Self.run(tests)
        #expect(report.status == 2)
        #expect(report.text.contains(words), "\(report.text)")
    }

    @Test func coverageNamesWhatNoTestTouches() throws {
        let report = try Self.run(
            #"""
            tests:
              - {name: one, input: ['{"level":"error","n":2}'], expect: {dropped: 0}}
              - {name: two, input: ['{"level":"info","kind":"a"}', 'kind=b'], expect: {dropped: 0}}
            """#,
            pipeline: #"""
                store: {}
                scrape_configs:
                  - job_name: api
                    static_configs: [{targets: [x], labels: {job: api, __path__: /x}}]
                    pipeline_stages:
                      - json: {expressions: {level: , n: }}
                      - regex: {expression: 'absent (?P<x>.)'}
                      - drop: {source: level, value: DEBUG}
                      - match: {selector: '{job="api"} |= "never"', stages: [{labels: {n: }}]}
                      - match: {selector: '{job="api"} |= "kind"', stages: [{labels: {level: }}]}
                      - match: {selector: '{job="api"}', stages: [{static_labels: {a: b}}]}

                """#, coverage: true)
        #expect(report.status == 0)
        let lines = report.text.split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(4) == [
                "  stage 2 `regex`: changed nothing", "  stage 3 `drop`: dropped nothing", "  stage 4 `match`: selected no line",
                "  stage 10 `match`: selected every line",
            ], "\(report.text)")
        #expect(lines.dropFirst(4).first?.hasSuffix(": 4 of 9 stages did their work in some test") ?? false, "\(report.text)")
        #expect(lines.last == "2 passed, 0 failed")
    }
}
