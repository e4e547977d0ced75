import Bytes
import Glibc
import LogModel
import Testing

@testable import LogSources

@Suite struct SyslogTests {
    private func parse(_ text: String, _ format: SyslogSettings.Format = .rfc5424, now: Int64 = 1_700_000_000) -> (SyslogMessage, String) {
        let bytes = Array(text.utf8)
        let message = bytes.withView { SyslogMessage($0, format: format, now: now) }
        return (message, String(decoding: bytes[message.text], as: UTF8.self))
    }

    // MARK: Messages

    @Test func wholeMessages() {
        let (message, text) = parse(
            #"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 77 ID47 [exampleSDID@32473 iut="3" eventSource="A\]\"p"][x y="z"] An application event"#)
        #expect(message.isWhole)
        #expect(message.severity == "notice")
        #expect(message.facility == "local4")
        #expect(message.timestamp == 1_065_910_455_003_000_000)
        #expect(message.hostname == "mymachine.example.com")
        #expect(message.appName == "evntslog")
        #expect(message.procID == "77")
        #expect(message.msgID == "ID47")
        #expect(message.data.map(\.value) == ["3", "A]\"p", "z"])
        #expect(text == "An application event")
    }

    @Test(arguments: [
        ("<34>1 - - - - - - hello", "hello", true), ("<34>1 - - - - - - \u{FEFF}hello\n", "hello", true),
        ("<34>1 - h a p m -", "", true), ("<34>1 - h a p m [a b=\"c\"]", "", true),
        // As far as it goes, then text.
        ("<34>1 yesterday h a p m - hello", "yesterday h a p m - hello", false),
        ("<34>1 - h a p m [broken hello", "[broken hello", false), ("<34>hello", "hello", false),
        ("no header at all", "no header at all", false), ("<999>1 - - - - - - x", "<999>1 - - - - - - x", false),
        ("<34>", "", false), ("<", "<", false),
    ])
    func partialMessagesKeepTheirText(_ input: String, _ text: String, _ isWhole: Bool) {
        let (message, found) = parse(input)
        #expect(found == text)
        #expect(message.isWhole == isWhole)
    }

    @Test func oldFormat() {
        setenv("TZ", "UTC", 1)
        tzset()
        // In January of 2024: December was last year.
        let (message, text) = parse("<34>Dec 31 22:14:15 mymachine su[12]: 'su root' failed", .rfc3164, now: 1_704_153_600)
        #expect(message.timestamp == 1_704_060_855_000_000_000)
        #expect(message.hostname == "mymachine")
        #expect(message.appName == "su")
        #expect(message.procID == "12")
        #expect(text == "'su root' failed")
        #expect(parse("<34>Jan  2 00:00:01 h app: x", .rfc3164, now: 1_704_153_600).0.timestamp == 1_704_153_601_000_000_000)
        #expect(parse("<34>2024-01-02T00:00:01Z h app: x", .rfc3164).1 == "x")
        #expect(parse("<34>just text", .rfc3164).1 == "just text")
        #expect(parse("<34>Jan  2 00:00:01 h no tag here", .rfc3164).1 == "no tag here")
    }

    // MARK: Framing

    private func frames(_ text: String, step: Int, lengthMax: Int = 100) throws -> [String] {
        var framing = SyslogFraming(lengthMax: lengthMax)
        var found: [String] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: step) {
            try Array(bytes[start..<min(start + step, bytes.count)]).withView { view in
                try framing.feed(view) { found.append($0.string) }
            }
        }
        framing.end { found.append($0.string) }
        return found
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func bothFramings(_ step: Int) throws {
        #expect(try frames("<1>one\r\n<2>two\n\n<3>three", step: step) == ["<1>one", "<2>two", "<3>three"])
        #expect(try frames("6 <1>one9 <2>t\nwo\n\n7 <3>thre", step: step) == ["<1>one", "<2>t\nwo", "<3>thre"])
        // Cut, and the rest passed over.
        let long = String(repeating: "x", count: 500)
        #expect(try frames("<1>\(long)\n<2>b\n", step: step, lengthMax: 10) == ["<1>xxxxxxx", "<2>b"])
        #expect(try frames("500 \(long)4 <2>b", step: step, lengthMax: 10) == ["xxxxxxxxxx", "<2>b"])
    }

    @Test(arguments: ["GET / HTTP/1.1", "5x hello", "99999999999 x", "\u{16}\u{3}"])
    func whatIsNoFramingIsRefused(_ text: String) {
        #expect(throws: SyslogFraming.Failure.self) { try frames(text, step: 100) }
    }

    // MARK: Batches

    @Test func labelsAreMadeByRules() throws {
        var settings = SyslogSettings(job: 3, jobName: "s", host: "127.0.0.1", port: 0)
        settings.labels = Labels(["job": "syslog"])
        settings.labelsStructuredData = true
        settings.usesIncomingTimestamp = true
        settings.relabel = [
            try RelabelRule(sourceLabels: ["__syslog_message_hostname"], targetLabel: "host"),
            try RelabelRule(sourceLabels: ["__syslog_message_severity"], targetLabel: "level"),
            try RelabelRule(sourceLabels: ["__syslog_connection_ip_address"], targetLabel: "from"),
            try RelabelRule(sourceLabels: ["__syslog_message_sd_a_1_k"], targetLabel: "k"),
            try RelabelRule(sourceLabels: ["__syslog_message_app_name"], regex: "noise", action: "drop"),
        ]
        #expect(!SyslogBatcher.needsHostname(settings))
        let sink = RecordingSink()
        var batcher = SyslogBatcher(settings, sink: sink, events: sink.events)
        for text in [
            #"<11>1 2003-10-11T22:14:15Z h1 app - - [a@1 k="v"] one"#, "<11>1 - h1 noise - - - gone", "<14>1 - h2 app - - - two",
            "<14>1 - h2 app - - -",
        ] {
            try text.withView { try batcher.add($0, from: SyslogPeer(address: "10.0.0.1")) }
        }
        try batcher.flush()
        #expect(sink.lines == ["one", "two"])
        #expect(sink.all[0].labels == Labels(["from": "10.0.0.1", "host": "h1", "job": "syslog", "k": "v", "level": "error"]))
        #expect(sink.all[0].timestamp == 1_065_910_455_000_000_000)
        #expect(sink.all[1].labels == Labels(["from": "10.0.0.1", "host": "h2", "job": "syslog", "level": "informational"]))
        #expect(sink.counter(.syslogEmpty) == 1)
        #expect(sink.counter(.syslogDropped) == 1)
    }
}
