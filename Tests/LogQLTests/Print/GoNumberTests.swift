import Testing

@testable import LogQL

@Suite struct GoNumberTests {
    @Test(arguments: [
        (0.0, "0", "0", "0.000000"), (1, "1", "1", "1.000000"), (-2.5, "-2.5", "-2.5", "-2.500000"),
        (0.1, "0.1", "0.1", "0.100000"), (1e6, "1000000", "1e+06", "1000000.000000"),
        (123_456, "123456", "123456", "123456.000000"),
        (1.5e21, "1500000000000000000000", "1.5e+21", "1500000000000000000000.000000"),
        (1e-9, "0.000000001", "1e-09", "0.000000"),
        (0.00012, "0.00012", "0.00012", "0.000120"),
        (
            -1e100, "-1" + String(repeating: "0", count: 100), "-1e+100",
            "-10000000000000000159028911097599180468360808563945281389781327557747838772170381060813469985856815104.000000"
        ),
        (.nan, "NaN", "NaN", "NaN"), (.infinity, "+Inf", "+Inf", "+Inf"), (-.infinity, "-Inf", "-Inf", "-Inf"),
    ])
    func prints(_ value: Double, _ plain: String, _ short: String, _ fixed: String) {
        #expect(GoNumber.plain(value) == plain)
        #expect(GoNumber.short(value) == short)
        #expect(GoNumber.fixed(value) == fixed)
    }

    @Test func plainReadsBack() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            #expect(Double(GoNumber.plain(value)) == value)
            #expect(Double(GoNumber.short(value)) == value)
        }
    }

    @Test(arguments: [
        ("1", 1.0), ("1.", 1), (".5", 0.5), ("1.e3", 1_000), ("1e-3", 0.001), ("0x1p3", 8), ("0x1.8p1", 3), ("0e1", 0),
    ])
    func reads(_ text: String, _ value: Double) throws {
        #expect(try GoNumber.parse(text) == value)
    }
}
