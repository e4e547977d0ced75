import Bytes
import Glibc
import LogModel
import LogService
import Synchronization
import Testing

/// I2 and I3 with the real process: kill -9 at random moments, then every acknowledged line is there once, unaltered.
@Suite(.serialized) struct KillTests {
    static let cycles = Checkout.isTorture ? 100 : 8

    static func line(_ number: Int) -> String { "seq=\(number) " + String(repeating: "x", count: number % 300) }

    @Test(.timeLimit(.minutes(15)))
    func pushesSurviveKills() throws {
        let folder = try Scratch()
        let base = Timestamp.now().nanoseconds - 3_600_000_000_000
        let acknowledged = Mutex<Set<Int>>([])
        let sent = Atomic<Int>(0)
        var random = SeededRandom(seed: UInt64(base))
        let data = folder.path("data")
        for _ in 0..<Self.cycles {
            let server = try TailraceServer(folder, data: data)
            let writers = (0..<4).map { writer in
                ThreadHandle {
                    while true {
                        let count = 1 + Int(arc4random_uniform(200))
                        let first = sent.add(count, ordering: .relaxed).oldValue
                        let values = (first..<first + count)
                            .map { #"["\#(base + Int64($0) * 1_000)","\#(Self.line($0))"]"# }.joined(separator: ",")
                        let body = #"{"streams":[{"stream":{"job":"kill","w":"\#(writer)"},"values":[\#(values)]}]}"#
                        guard let answer = try? HTTP.push(server.port, json: body), answer.status == 204 else { return }
                        acknowledged.withLock { $0.formUnion(first..<first + count) }
                    }
                }
            }
            usleep(useconds_t(50_000 + random.next() % 700_000))
            server.stop(SIGKILL)
            for writer in writers { writer.join() }
        }
        let server = try TailraceServer(folder, data: data)
        let found = try server.lines(#"{job="kill"}"#, start: base)
        let numbers = found.compactMap { Int($0.text.string.dropFirst(4).prefix { $0.isNumber }) }
        let acked = acknowledged.withLock { $0 }
        #expect(acked.count > 500)
        #expect(acked.subtracting(numbers).isEmpty, "lost")
        #expect(Set(numbers).count == numbers.count, "twice")
        #expect(zip(numbers, found).allSatisfy { Self.line($0) == $1.text.string }, "altered")
    }

    @Test(.timeLimit(.minutes(15)))
    func tailedFilesSurviveKills() throws {
        let folder = try Scratch()
        let path = folder.path("app.log")
        let config = folder.write(
            "up.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: app
              static_configs: [{targets: [localhost], labels: {job: tail, __path__: \(folder.path("app*.log"))}}]
            """)
        let data = folder.path("data")
        var written = 0
        var random = SeededRandom(seed: 11)
        Files.write(path, "")
        for cycle in 0..<Self.cycles {
            let server = try TailraceServer(folder, data: data, command: "up", config: config)
            let end = ContinuousClock.now + .milliseconds(50 + Int(random.next() % 500))
            while ContinuousClock.now < end {
                var text = ""
                for _ in 0..<50 {
                    text += Self.line(written) + "\n"
                    written += 1
                }
                Files.write(path, text, append: true)
                // Now and then a rotation by rename in the middle of it.
                if random.next() % 40 == 0 {
                    rename(path, folder.path("app-\(cycle)-\(written).log"))
                    Files.write(path, "")
                }
                usleep(2_000)
            }
            server.stop(SIGKILL)
        }
        let server = try TailraceServer(folder, data: data, command: "up", config: config)
        let total = written
        try waitUntil("all lines are stored") {
            try server.vector(#"sum(count_over_time({job="tail"}[1h]))"#).values.first.map { Int($0) >= total } ?? false
        }
        let numbers = try server.lines(#"{job="tail"}"#, start: Timestamp.now().nanoseconds - 86_400_000_000_000).compactMap { line -> Int? in
            let number = Int(line.text.string.dropFirst(4).prefix { $0.isNumber })
            if let number { #expect(Self.line(number) == line.text.string) }
            return number
        }
        #expect(Set(numbers).count == numbers.count, "twice: \(numbers.count - Set(numbers).count)")
        #expect(Set(numbers) == Set(0..<total), "lost: \(total - Set(numbers).count)")
    }
}

/// A thread that can be joined.
final class ThreadHandle: Sendable {
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
        var made = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        pthread_create(
            &made, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        thread = made
    }

    func join() { pthread_join(thread, nil) }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
