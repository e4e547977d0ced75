import Bytes
import LogModel
import Testing

@testable import LogServer

func form(_ values: (String, String)...) -> Form {
    var form = Form()
    for (name, value) in values {
        let encoded = value.utf8.map { c in
            c.isAlphanumeric ? String(Character(Unicode.Scalar(c))) : "%" + (c < 16 ? "0" : "") + String(c, radix: 16)
        }
        try? "\(name)=\(encoded.joined())".withView { try form.append(encoded: $0) }
    }
    return form
}

@Suite struct ParametersTests {
    static let now: Int64 = 1_800_000_000_000_000_000

    @Test(arguments: [
        ("1794304800", 1_794_304_800_000_000_000), ("1794304800000000000", 1_794_304_800_000_000_000),
        ("1794304800.25", 1_794_304_800_250_000_000), ("1794304800.0004", 1_794_304_800_000_000_000),
        // More than ten characters are nanoseconds, however they were meant.
        ("1700000000000", 1_700_000_000_000), ("2026-11-10T11:00:00+01:00", 1_794_304_800_000_000_000),
        ("2026-11-10T10:00:00.000Z", 1_794_304_800_000_000_000), ("-5", -5_000_000_000), ("0", 0),
        ("4000000000", 4_000_000_000_000_000_000), ("9999999999", .max), ("99999999999.5", .max), ("", Self.now),
    ] as [(String, Int64)])
    func timestamps(text: String, expected: Int64) throws {
        #expect(try Parameters.timestamp(text, default: Self.now) == expected)
    }

    @Test(arguments: [
        ("abc", #"strconv.ParseInt: parsing "abc": invalid syntax"#), ("1h", #"strconv.ParseInt: parsing "1h": invalid syntax"#),
        ("99999999999999999999", #"strconv.ParseInt: parsing "99999999999999999999": value out of range"#),
        // Infinite seconds used to end the process.
        ("1.0e999", #"strconv.ParseInt: parsing "1.0e999": invalid syntax"#),
        ("-1.0e999", #"strconv.ParseInt: parsing "-1.0e999": invalid syntax"#),
        ("1.2.3", #"strconv.ParseInt: parsing "1.2.3": invalid syntax"#),
    ])
    func badTimestamps(text: String, message: String) {
        #expect(throws: Refusal(400, message)) { try Parameters.timestamp(text, default: 0) }
    }

    /// Go's readings of numbers that are none, or too large.
    @Test func numbersAtTheEdge() throws {
        func step(_ text: String) -> Refusal? {
            do throws(Refusal) {
                _ = try Parameters.step(form(("step", text)), .init(start: 0, end: 1))
                return nil
            } catch { return error }
        }
        let negative = Refusal(400, "zero or negative query resolution step widths are not accepted. Try a positive integer")
        for text in ["NaN", "nan", "0", "-1", "1e-10"] { #expect(step(text) == negative, "\(text)") }
        for text in ["Inf", "-inf", "infinity", "1e300"] {
            #expect(step(text) == Refusal(400, "cannot parse \"\(text)\" to a valid duration. It overflows int64"))
        }
        #expect(step("in") == Refusal(400, "cannot parse \"in\" to a valid duration"))
        #expect(throws: Refusal(400, "limit value 4294967296 is out of range [0, 4294967295]")) {
            try Parameters.limit(form(("limit", "4294967296")))
        }
        #expect(try Parameters.limit(form(("limit", "4294967295"))) == 4_294_967_295)
        #expect(throws: Refusal(400, #"strconv.Atoi: parsing "99999999999999999999": value out of range"#)) {
            try Parameters.limit(form(("limit", "99999999999999999999")))
        }
        #expect(throws: Refusal(400, "delay_for value -1 is out of range [0, 4294967295]")) {
            try Parameters.delay(form(("delay_for", "-1")))
        }
    }

    /// `regexp`, of Loki's first API, which its parsers of parameters still know.
    @Test func regexpIsALineFilter() throws {
        func text(_ query: String, _ regexp: String) throws -> String {
            try Parameters.logQuery(form(("query", query), ("regexp", regexp)), allowEmpty: false)
        }
        #expect(try text(#"{a="b"} | json"#, "x.*\"y") == #"{a="b"} | json |~ "x.*\"y""#)
        #expect(try text("whatever", "") == "whatever")
        #expect(throws: Refusal.self) { try text("rate({a=\"b\"}[1m])", "x") }
        #expect(throws: Refusal.self) { try text("{}", "x") }
    }

    @Test func boundsByDefault() throws {
        let hour: Int64 = 3_600_000_000_000
        #expect(try Parameters.bounds(Form(), now: Self.now) == .init(start: Self.now - hour, end: Self.now))
        #expect(
            try Parameters.bounds(form(("end", "1794304860"), ("since", "1m")), now: Self.now)
                == .init(start: 1_794_304_800_000_000_000, end: 1_794_304_860_000_000_000))
        // An end in the future does not move the default start.
        #expect(
            try Parameters.bounds(form(("end", "1900000000")), now: Self.now)
                == .init(start: Self.now - hour, end: 1_900_000_000_000_000_000))
        // An explicit start wins over `since`.
        #expect(try Parameters.bounds(form(("start", "5"), ("since", "1m")), now: Self.now).start == 5_000_000_000)
    }

    @Test(arguments: [
        (form(("end", "abc")), #"could not parse 'end' parameter: strconv.ParseInt: parsing "abc": invalid syntax"#),
        (form(("start", "x"), ("end", "1")), #"could not parse 'start' parameter: strconv.ParseInt: parsing "x": invalid syntax"#),
        (form(("since", "5minutes")), #"could not parse 'since' parameter: unknown unit "minutes" in duration "5minutes""#),
        (form(("since", "soon")), #"could not parse 'since' parameter: not a valid duration string: "soon""#),
    ])
    func badBounds(form: Form, message: String) {
        #expect(throws: Refusal(400, message)) { try Parameters.bounds(form, now: Self.now) }
    }

    @Test(arguments: [
        ("15", 15_000_000_000), ("0.5", 500_000_000), ("1m", 60_000_000_000), ("1500ms", 1_500_000_000),
        ("1h30m", 5_400_000_000_000), ("1e2", 100_000_000_000), ("2d", 172_800_000_000_000), ("600.000000", 600_000_000_000),
        ("0", 0), ("-1", -1_000_000_000),
    ] as [(String, Int64)])
    func durations(text: String, expected: Int64) throws { #expect(try Parameters.secondsOrDuration(text) == expected) }

    @Test(arguments: ["x", "1m1h", "1.5h", "m", "1", "1m 2s", "99999999999999999y", "1x", "-1m", "inf", "nan", "0x10"])
    func badPrometheusDurations(text: String) { #expect(throws: Refusal.self) { try Parameters.prometheusDuration(text) } }

    @Test func badDurations() {
        #expect(throws: Refusal(400, #"cannot parse "x" to a valid duration"#)) { try Parameters.secondsOrDuration("x") }
        #expect(throws: Refusal(400, #"cannot parse "1e30" to a valid duration. It overflows int64"#)) {
            try Parameters.secondsOrDuration("1e30")
        }
    }

    @Test func steps() throws {
        let hours3 = Parameters.Bounds(start: 0, end: 10_800_000_000_000)
        #expect(try Parameters.step(Form(), hours3) == 43_000_000_000)
        #expect(try Parameters.step(Form(), .init(start: 5, end: 5)) == 1_000_000_000)
        #expect(try Parameters.step(Form(), .init(start: .min, end: .max)) > 0)
        for text in ["0", "-5", "-1"] {
            #expect(
                throws: Refusal(
                    400, "zero or negative query resolution step widths are not accepted. Try a positive integer")
            ) { try Parameters.step(form(("step", text)), hours3) }
        }
        try Parameters.checkResolution(.init(start: 0, end: 11_000), step: 1)
        #expect(throws: Refusal.self) { try Parameters.checkResolution(.init(start: 0, end: 11_001), step: 1) }
        #expect(throws: Refusal.self) { try Parameters.checkResolution(.init(start: .min, end: .max), step: .max) }
    }

    @Test func limitsDirectionsIntervals() throws {
        #expect(try Parameters.limit(Form()) == 100)
        #expect(try Parameters.limit(form(("limit", "7"))) == 7)
        for (text, message) in [
            ("0", "limit must be a positive value"), ("-1", "limit must be a positive value"),
            ("x", #"strconv.Atoi: parsing "x": invalid syntax"#), ("1.5", #"strconv.Atoi: parsing "1.5": invalid syntax"#),
        ] {
            #expect(throws: Refusal(400, message)) { try Parameters.limit(form(("limit", text))) }
        }
        #expect(try Parameters.direction(Form()) == .backward)
        #expect(try Parameters.direction(form(("direction", "FORWARD"))) == .forward)
        #expect(throws: Refusal(400, "invalid direction 'up'")) { try Parameters.direction(form(("direction", "up"))) }
        #expect(try Parameters.interval(form(("interval", "300.000000"))) == 300_000_000_000)
        #expect(throws: Refusal(400, "interval must be >= 0")) { try Parameters.interval(form(("interval", "-1"))) }
    }
}

@Suite struct FormTests {
    @Test func decodesAsGoDoes() throws {
        var form = Form()
        try "a=1&b=x+y%20z&&c&a=2&%6d%5B%5D=%7B%7D&e=%C3%A9=".withView { try form.append(encoded: $0) }
        #expect(form["a"] == "1")
        #expect(form.all("a") == ["1", "2"])
        #expect(form["b"] == "x y z")
        #expect(form["c"] == "")
        #expect(form["m[]"] == "{}")
        #expect(form["e"] == "é=")
        #expect(form["none"] == "")
    }

    @Test(arguments: [
        ("a=%zz", #"invalid URL escape "%zz""#), ("a=%4", #"invalid URL escape "%4""#), ("%", #"invalid URL escape "%""#),
        ("a=1;b=2", "invalid semicolon separator in query"),
    ])
    func refuses(text: String, message: String) {
        #expect(throws: Refusal(400, message)) {
            var form = Form()
            try text.withView { try form.append(encoded: $0) }
        }
    }

    @Test func parametersAreLimited() {
        let text = String(repeating: "a&", count: Form.valuesMax + 1)
        #expect(throws: Refusal.self) {
            var form = Form()
            try text.withView { try form.append(encoded: $0) }
        }
    }
}

@Suite struct RequestHeadersTests {
    @Test func tenants() throws {
        #expect(try RequestHeaders.tenant("whatever/..", multiTenant: false) == .fake)
        #expect(try RequestHeaders.tenant("team-a", multiTenant: true).name == "team-a")
        #expect(throws: Refusal(401, "no org id")) { try RequestHeaders.tenant(nil, multiTenant: true) }
        #expect(throws: Refusal(401, "no org id")) { try RequestHeaders.tenant("", multiTenant: true) }
    }

    @Test(arguments: ["a|b", "a b", "../x", "..", ".", "a/b", "a, b", "ä", String(repeating: "x", count: 151), "a\u{200B}"])
    func badTenants(name: String) {
        let refusal = #expect(throws: Refusal.self) { try RequestHeaders.tenant(name, multiTenant: true) }
        #expect(refusal?.status == 400)
    }

    @Test func batchKeys() throws {
        #expect(try RequestHeaders.batchKey(nil) == nil)
        #expect(try RequestHeaders.batchKey("c-1/2/3") == BatchKey(client: "c-1", epoch: 2, sequence: 3))
        for text in ["", "a/b/c", "a/1", "a/1/2/3", "/1/2", "a/-1/2", "a/1/99999999999999999999"] {
            #expect(throws: Refusal.self) { try RequestHeaders.batchKey(text) }
        }
    }

    @Test func gzipAndTags() {
        #expect(RequestHeaders.acceptsGzip("gzip"))
        #expect(RequestHeaders.acceptsGzip("deflate, GZIP;q=0.5"))
        #expect(!RequestHeaders.acceptsGzip("gzip;q=0"))
        #expect(!RequestHeaders.acceptsGzip("identity"))
        #expect(!RequestHeaders.acceptsGzip(nil))
        #expect(RequestHeaders.allowsPartialSeries("a=b,source=Grafana-LokiExplore-App"))
        #expect(!RequestHeaders.allowsPartialSeries("Source=grafana"))
    }
}

@Suite struct RouteTests {
    @Test(arguments: [
        ("/loki/api/v1/push", Route.push, ""), ("/loki/api/v1/label", .labels, ""),
        ("/loki/api/v1/label/a%2Fb/values", .labelValues, "a/b"), ("/api/prom/label/x/values", .labelValues, "x"),
        ("/loki/api/v1/detected_field/n/values", .detectedFieldValues, "n"), ("/ready", .ready, ""),
        ("/", .other, ""), ("/loki/api/v1/nosuch", .other, ""), ("/a/b/c/d/e/f/g/h/i/j/k", .other, ""), ("", .other, ""),
    ])
    func matches(path: String, route: Route, argument: String) throws {
        let found = try path.withView { try Route.of(path: $0) }
        #expect(found.route == route)
        #expect(found.argument.string == argument)
    }
}
