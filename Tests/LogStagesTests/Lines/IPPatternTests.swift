import Bytes
import Testing

@testable import LogStages

@Suite("ip()")
struct IPPatternTests {
    @Test(
        "Addresses in lines",
        arguments: [
            ("192.168.4.5", "client 192.168.4.5 connected", true), ("192.168.4.5", "client 192.168.4.50", false),
            ("192.168.0.0/16", "ip=192.168.4.255, next", true), ("192.168.4.5-192.168.5.10", "x 192.168.5.5", true),
            ("192.168.4.5-192.168.5.10", "x 192.168.5.11", false), ("10.0.0.0/8", "to 10.255.255.254", true),
            ("1.2.3.4", "x1.2.3.4y", true), ("1.2.3.4", "version 1.2.3.4.5", false), ("1.2.3.4", "1.2.3.4.", true),
            ("1.2.3.4", "1.2.3.4:80", true), ("0.0.0.0/0", "build 256.1.1.1", false),
            ("192.168.4.5", "::ffff:192.168.4.5 mapped", false), ("2001:db8::/32", "from 2001:db8::1 to", true),
            ("2001:db8::/32", "[2001:db8::1]:443", true), ("::1", "at ::1", true), ("::1", "at ::2", false),
            ("fe80::1-fe80::ff", "fe80::7", true), ("10.0.0.1", "", false), ("10.0.0.1", "....", false),
            ("10.0.0.1", "10:20:30", false), ("10.0.0.1", "010.0.0.1", false),
        ]
    )
    func search(pattern: String, line: String, found: Bool) throws {
        let pattern = try IPPattern(ByteString(pattern))
        #expect(line.withView { pattern.isIn($0) } == found)
    }

    @Test(
        "Faulty patterns",
        arguments: [
            "256.0.0.0/8", "192.168.4.255 - 192.168.5.0", "10.0.0.0/33", "10.0.0.0/", "abc", "", "10.0.0.9-10.0.0.1",
            "10.0.0.1-::1", "1.2.3", "::1/129", "1::2::3", "10.0.0.0/08",
        ]
    )
    func faults(pattern: String) {
        #expect(message { _ = try IPPattern(ByteString(pattern)) } == "ip: invalid pattern: \"\(pattern)\"")
    }

    @Test("Random text never traps", arguments: 0..<8)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let pattern = try IPPattern("10.0.0.0/8")
        for _ in 0..<2000 { random.text("0123456789.:abf ", most: 40).withView { _ = pattern.isIn($0) } }
    }
}
