import Bytes
import Testing

@testable import LogQL

@Suite struct DurationsTests {
    @Test(arguments: [
        ("0", 0), ("1ns", 1), ("1us", 1_000), ("1µs", 1_000), ("1μs", 1_000), ("1ms", 1_000_000),
        ("1.5h", 5_400_000_000_000),
        ("1h30m", 5_400_000_000_000), ("1m30.5s", 90_500_000_000), ("1d12h", 129_600_000_000_000),
        ("-5m", -300_000_000_000),
        ("1y", 31_536_000_000_000_000), ("1w", 604_800_000_000_000), ("-0", 0), (".5s", 500_000_000),
        ("1s1h", 3_601_000_000_000),
    ])
    func reads(_ text: String, _ nanoseconds: Int64) {
        #expect(text.withView(Durations.parse) == nanoseconds)
    }

    @Test(arguments: [
        "", "1", "-1", "s", "1x", "1.5d", "-1d", "1e3s", ".s", "300y", "9223372036854775808ns", "1s ", "--1s",
    ])
    func refuses(_ text: String) {
        #expect(text.withView(Durations.parse) == nil)
    }

    @Test(arguments: [
        (Int64(0), "0s", "0s"), (1, "1ns", "0s"), (1_500, "1.5µs", "0s"), (250_000_000, "250ms", "250ms"),
        (1_500_000_000, "1.5s", "1s500ms"), (60_000_000_000, "1m0s", "1m"), (5_400_000_000_000, "1h30m0s", "1h30m"),
        (86_400_000_000_000, "24h0m0s", "1d"), (604_800_000_000_000, "168h0m0s", "1w"),
        (7_776_000_000_000_000, "2160h0m0s", "90d"), (-90_000_000_000, "-1m30s", ""),
        (1_000_000_001, "1.000000001s", "1s"),
    ])
    func prints(_ nanoseconds: Int64, _ go: String, _ prometheus: String) {
        #expect(LogQL.goDuration(nanoseconds) == go)
        #expect(LogQL.prometheusDuration(nanoseconds) == prometheus)
    }

    @Test(arguments: [
        ("0B", UInt64(0)), ("42", 42), ("1KB", 1_000), ("1.5KB", 1_500), ("1KiB", 1_024), ("1k", 1_000), ("1Ki", 1_024),
        ("2MiB", 2_097_152), ("1GB", 1_000_000_000), ("1TB", 1_000_000_000_000), ("1PB", 1_000_000_000_000_000),
        ("1.5B", 1), ("1PiB", 1 << 50),
    ])
    func readsSizes(_ text: String, _ bytes: UInt64) {
        #expect(text.withView(Sizes.parse) == bytes)
    }

    @Test(arguments: ["", "KB", "1EB", "1x", "1.2.3KB", "99999999999PB", "1 KB"]) func refusesSizes(_ text: String) {
        #expect(text.withView(Sizes.parse) == nil)
    }

    @Test(arguments: [
        (UInt64(0), "0.0B"), (9, "9B"), (10, "10B"), (999, "999B"), (1_000, "1.0kB"), (1_023, "1023B"),
        (1_500, "1.5kB"),
        (83_000_000, "83MB"), (82_854_982, "82854982B"), (1_000_000_000_000_000, "1.0PB"),
        (.max, "18446744073709551615B"),
    ])
    func printsSizes(_ bytes: UInt64, _ text: String) {
        #expect(LogQL.size(bytes) == text)
    }
}
