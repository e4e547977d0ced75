import Bytes
import Disk
import Glibc
import LogModel
import LogSources
import Testing

@testable import LogService

/// Real sockets on loopback against the real listener.
@Suite struct SyslogSourceTests {
    final class Sink: LineSink {
        let lines = Monitor<[String]>([])
        /// Deliveries wait while this holds.
        let isStalled = Monitor(false)

        func deliver(_ batch: LineBatch) throws {
            _ = isStalled.wait { $0 ? nil : true }
            lines.change { lines in for i in batch.lines.indices { lines.append(batch.line(i).string) } }
        }

        func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] { [] }
        func importedOffset(path: String) -> UInt64? { nil }

        func wait(_ count: Int) -> [String] {
            lines.wait(timeout: 20_000_000_000) { $0.count >= count ? $0 : nil } ?? lines.withLock { $0 }
        }
    }

    private func run(
        _ sink: Sink, events: SourceEvents = SourceEvents(), _ change: (inout SyslogSettings) -> Void = { _ in },
        _ body: (SyslogSource) throws -> Void
    ) throws {
        var settings = SyslogSettings(job: 0, jobName: "s", host: "127.0.0.1", port: 0)
        settings.labels = Labels(["job": "s"])
        change(&settings)
        let source = try SyslogSource(settings, sink: sink, events: events)
        let worker = Worker("test-syslog") { try? source.run() }
        defer {
            sink.isStalled.change { $0 = false }
            source.stop()
            worker?.join()
        }
        try body(source)
    }

    private func connect(_ port: Int, _ type: Int32) throws -> Int32 {
        let file = socket(AF_INET, type, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        try #require(status == 0)
        return file
    }

    private func send(_ file: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(file, $0.baseAddress.map { $0 + done }, bytes.count - done, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }
            done += count
        }
    }

    @Test func tcpWithBothFramings() throws {
        let sink = Sink()
        try run(sink) { source in
            let first = try connect(source.port, Int32(SOCK_STREAM.rawValue))
            send(first, "<14>1 - h a - - - one\n<14>1 - h a - - - two\n<14>1 - h a - - - three")
            let second = try connect(source.port, Int32(SOCK_STREAM.rawValue))
            send(second, "22 <14>1 - h a - - - four22 <14>1 - h a - - - five")
            #expect(Set(sink.wait(4)) == ["one", "two", "four", "five"])
            // The last one of a connection counts when the connection ends.
            close(first)
            #expect(Set(sink.wait(5)) == ["one", "two", "three", "four", "five"])
            close(second)
        }
    }

    @Test func udp() throws {
        let sink = Sink()
        try run(sink, { $0.transport = .udp; $0.maxMessageLength = 30 }) { source in
            let file = try connect(source.port, Int32(SOCK_DGRAM.rawValue))
            send(file, "<14>1 - h a - - - one\n")
            send(file, "<14>1 - h a - - - two and what is over the limit")
            #expect(sink.wait(2) == ["one", "two and what"])
            close(file)
        }
    }

    /// The sender waits, nothing is lost, and no more than the queue's bound is held meanwhile.
    @Test func tcpWaitsForRoom() throws {
        let sink = Sink()
        sink.isStalled.change { $0 = true }
        let count = 20_000
        let text = String(repeating: "x", count: 1_000)
        try run(sink) { source in
            let file = try connect(source.port, Int32(SOCK_STREAM.rawValue))
            let sent = Monitor(0)
            let sender = Worker("test-sender") {
                for number in 0..<count {
                    send(file, "<14>1 - h a - - - \(number) \(text)\n")
                    sent.change { $0 = number + 1 }
                }
            }
            // It stands still well before the end.
            var last = -1
            while true {
                let now = sent.withLock { $0 }
                if now == last, now > 0 { break }
                last = now
                _ = sent.wait(timeout: 300_000_000) { $0 >= count ? true : nil }
            }
            #expect(last < count)
            sink.isStalled.change { $0 = false }
            let lines = sink.wait(count)
            #expect(lines.count == count)
            #expect(lines.enumerated().allSatisfy { $0.element.hasPrefix("\($0.offset) ") })
            sender?.join()
            close(file)
        }
    }

    @Test func whatIsNoSyslogIsClosedAndCounted() throws {
        let sink = Sink()
        let broken = Monitor<UInt64>(0)
        let events = SourceEvents(count: { counter, amount in if counter == .syslogBroken { broken.change { $0 += amount } } })
        try run(sink, events: events) { source in
            let file = try connect(source.port, Int32(SOCK_STREAM.rawValue))
            send(file, "GET / HTTP/1.1\r\n\r\n")
            var byte: UInt8 = 0
            #expect(read(file, &byte, 1) <= 0)
            #expect(broken.wait(timeout: 20_000_000_000) { $0 == 1 ? true : nil } == true)
            close(file)
        }
    }

    /// A reload that failed made sources and stopped them without running them: each left its event loop behind.
    @Test func sourcesThatNeverRanLeaveNoThread() throws {
        func threads() -> Int { (try? PosixDisk().list("/proc/self/task").count) ?? 0 }
        let before = threads()
        for _ in 0..<64 {
            let source = try SyslogSource(SyslogSettings(job: 0, jobName: "s", host: "127.0.0.1", port: 0), sink: Sink(), events: SourceEvents())
            source.stop()
            // And one that is run all the same has nothing to do.
            try source.run()
        }
        // Other tests begin threads meanwhile, not so many.
        #expect(threads() < before + 40)
    }

    @Test func busyPortsAreToldAtOnce() throws {
        let sink = Sink()
        try run(sink) { source in
            var settings = SyslogSettings(job: 0, jobName: "t", host: "127.0.0.1", port: source.port)
            settings.labels = Labels(["job": "t"])
            #expect(throws: StoreError.self) { _ = try SyslogSource(settings, sink: sink, events: SourceEvents()) }
        }
    }
}
