import LogQL
import Testing

@Suite struct HoistingTests {
    @Test(arguments: [
        (#"{a="x"} | json |= "b""#, #"{a="x"} |= "b" | json"#),
        (#"{a="x"} | decolorize |= "b""#, #"{a="x"} |= "b" | decolorize"#),
        (
            #"{a="x"} | drop c | label_format d=e | keep f |= "b" != "g""#,
            #"{a="x"} |= "b" != "g" | drop c | label_format d=e | keep f"#
        ),
        (#"{a="x"} | line_format "c" |= "b""#, #"{a="x"} | line_format "c" |= "b""#),
        (#"{a="x"} | unpack |= "b""#, #"{a="x"} | unpack |= "b""#),
        (#"{a="x"} | json | c=1 | logfmt |= "b""#, #"{a="x"} |= "b" | json | c==1 | logfmt"#),
        (#"{a="x"} |= "1" | json |= "2" | c=1 |= "3" | json"#, #"{a="x"} |= "1" |= "2" |= "3" | json | c==1 | json"#),
        (#"{a="x"} | json | line_format "c" | json |= "1""#, #"{a="x"} | json | line_format "c" |= "1" | json"#),
    ])
    func lineFilters(_ text: String, _ expected: String) throws {
        var log = try LogQL.parseLog(text)
        log.stages = log.hoistingLineFilters(overDecolorize: true)
        #expect(log.description == expected)
    }

    @Test func coloursAreTakenAwayBeforeFiltersLook() throws {
        var log = try LogQL.parseLog(#"{a="x"} | json | decolorize |= "b" | json |= "c""#)
        log.stages = log.hoistingLineFilters(overDecolorize: false)
        #expect(log.description == #"{a="x"} | json | decolorize |= "b" |= "c" | json"#)
    }

    @Test(arguments: [
        (#"count_over_time({a="x"} | line_format "{{ nosuch }}" [1m])"#, #"count_over_time({a="x"}[1m])"#),
        (#"bytes_over_time({a="x"} | line_format "b" [1m])"#, #"bytes_over_time({a="x"} | line_format "b"[1m])"#),
        (
            #"rate({a="x"} | line_format "b" | json | line_format "c" | d=1 [1m])"#,
            #"rate({a="x"} | line_format "b" | json | d==1[1m])"#
        ),
        (#"rate({a="x"} | line_format "b" |= "c" [1m])"#, #"rate({a="x"} | line_format "b" |= "c"[1m])"#),
    ])
    func lineFormats(_ text: String, _ expected: String) throws {
        guard case .metric(.range(let range)) = try LogQL.parse(text) else {
            Issue.record("no range")
            return
        }
        #expect(range.removingDeadLineFormats.description == expected)
    }
}
