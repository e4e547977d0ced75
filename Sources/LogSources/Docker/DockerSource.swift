import Bytes
import Glibc
import LogModel
import Synchronization

/// `docker_sd_configs`: finds the containers of a daemon and hands their logs to a sink, each line once.
///
/// One thread and one connection to each log. Events tell at once what starts and stops, so that a container that lives for a
/// moment is read too; a list every `refreshInterval` makes up for events that were missed. A log that ends is opened again
/// while its container runs, and read to its end once more when it does not. When the daemon goes away everything begins anew
/// after a while; what was delivered is known by the time of its lines (`DockerCursor`), also after a restart of this process.
///
/// Containers that have stopped before the first run are left alone, as Promtail does; those that came and went between two
/// runs are read.
package final class DockerSource: CollectorSource {
    private let settings: DockerSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let once: Bool
    private let dial: HTTPDialer
    private let stopped = Atomic<Bool>(false)
    private let looked = Atomic<Bool>(false)
    private let wakeUp: WakeUp
    private let shown = Mutex<[TargetStatus]>([])

    /// Wait before the next try when the daemon is away: doubled each time. Nanoseconds.
    private static let backOffMin: Int64 = 100_000_000
    private static let backOffMax: Int64 = 10_000_000_000
    /// How long `once` waits for a daemon that does not answer.
    private static let oncePatience: Int64 = 3_000_000_000

    package init(
        _ settings: DockerSettings, sink: any LineSink, once: Bool = false, events: SourceEvents = SourceEvents(),
        dial: @escaping HTTPDialer = PlainDialer.dial
    ) throws(SystemError) {
        self.settings = settings
        self.sink = sink
        self.once = once
        self.events = events
        self.dial = dial
        wakeUp = try WakeUp()
    }

    package var name: String { "docker:\(settings.jobName)" }
    /// Whether it has asked the daemon for its containers, or found that there is none.
    package var isReady: Bool { looked.load(ordering: .relaxed) }

    /// The containers whose logs are open, once for each output.
    package func targetStatus() -> [TargetStatus] { shown.withLock { $0 } }

    package func stop() {
        stopped.store(true, ordering: .relaxed)
        wakeUp.signal()
    }

    /// Keys of positions: `docker:<job>:<container>`, with `+<n>` for the n-th further entry of a list.
    static func key(_ settings: DockerSettings, _ id: String) -> ByteString {
        ByteString("docker:\(settings.jobName):\(id)\(settings.index == 0 ? "" : "+\(settings.index)")")
    }

    /// The container of a key.
    static func container(ofKey key: ByteString) -> String? {
        guard key.hasPrefix("docker:"), let colon = key.bytes.lastIndex(of: UInt8(ascii: ":")), colon > 6 else { return nil }
        return String(decoding: key.bytes[(colon + 1)...].prefix { $0 != UInt8(ascii: "+") }, as: UTF8.self)
    }

    package func run() throws {
        var session = DockerSession(
            settings, sink: sink, once: once, events: events, loop: HTTPLoop(address: settings.address, dial: dial, wakeUp: wakeUp)
        ) { [self] status in shown.withLock { $0 = status } }
        var wait = Self.backOffMin
        var isTold = false
        while !stopped.load(ordering: .relaxed) {
            do {
                try session.connect(stopped)
                looked.store(true, ordering: .relaxed)
                if isTold { events.tell(.info, name, "\(settings.address.name) answers again") }
                isTold = false
                wait = Self.backOffMin
                try session.follow(stopped)
                return
            } catch is HTTPLoop.Stopped {
                return
            } catch let error where error is HTTPFailure || error is SystemError {
                session.disconnect()
                looked.store(true, ordering: .relaxed)
                events.count(.dockerReconnects, 1)
                if !isTold || once {
                    isTold = true
                    events.tell(.warning, name, "\(Self.words(error, settings.address)); tried again until it answers")
                }
                if once, wait > Self.oncePatience { throw StoreError(.system, "job \(settings.jobName): \(Self.words(error, settings.address))") }
            }
            pause(wait)
            wait = min(wait * 2, Self.backOffMax)
        }
    }

    private func pause(_ nanoseconds: Int64) {
        let until = Monotonic.now() &+ nanoseconds
        while !stopped.load(ordering: .relaxed) {
            let left = (until &- Monotonic.now()) / 1_000_000
            if left <= 0 { return }
            if System.waitReadable([wakeUp.readable], milliseconds: Int(left))[0] { wakeUp.clear() }
        }
    }

    private static func words(_ error: any Error, _ address: HTTPServerAddress) -> String {
        guard let error = error as? SystemError, case .unix(let path) = address.place, error.path == ByteString(path) else { return "\(error)" }
        if error.isForbidden { return "\(path) may not be opened: add this process's user to the group of that socket (usually docker)" }
        if error.isMissing { return "\(path) is not there: is the daemon running, and is the socket mounted into this container?" }
        return "\(error)"
    }
}
