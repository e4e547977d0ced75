import Bytes
import Glibc
import LogModel
import Synchronization

/// What is known of a daemon, and the connections to it. Of one thread.
struct DockerSession: ~Copyable {
    private let settings: DockerSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let once: Bool
    private let loop: HTTPLoop

    /// `/v1.47`
    private var version = ""
    private var networks: DockerTarget.Networks = [:]
    private var containers: [String: DockerContainer] = [:]
    private var eventStream: HTTPExchange?
    /// The beginning of an event.
    private var eventRest: [UInt8] = []
    /// Time of the last event, nanoseconds: from there on they are asked for again.
    private var lastEvent: Int64?
    private var nextRefresh: Int64 = 0
    private var isFirstList = true
    /// The latest time that an earlier run delivered: containers made since then came while nobody looked.
    private var lastRun: Int64?
    /// Tells what is read now, for `/targets`.
    private let show: @Sendable ([TargetStatus]) -> Void
    private var shown: [String] = []

    /// The newest API that this was written for; any since 1.24 will do.
    private static let newest = (1, 51)
    /// Events that change what is read. Others are not asked for: `exec` health checks alone make thousands an hour.
    private static let interest = ["create", "start", "die", "rename", "destroy", "unpause"]

    init(
        _ settings: DockerSettings, sink: any LineSink, once: Bool, events: SourceEvents, loop: consuming HTTPLoop,
        show: @escaping @Sendable ([TargetStatus]) -> Void
    ) {
        self.show = show
        self.settings = settings
        self.sink = sink
        self.once = once
        self.events = events
        self.loop = loop
    }

    // MARK: Beginning

    /// Asks for version and networks, listens to events, lists what is there, and opens the logs.
    mutating func connect(_ stopped: borrowing Atomic<Bool>) throws {
        version = try Self.version(loop.document("/version", stopped: stopped))
        networks = try DockerTarget.networks(loop.document("\(version)/networks", stopped: stopped))
        if !once {
            // Before the list: what starts between the two is told twice rather than not at all.
            var path = "\(version)/events?filters=" + Self.filters([("type", ["container"]), ("event", Self.interest)])
            if let lastEvent {
                let digits = String(lastEvent % 1_000_000_000)
                path += "&since=\(lastEvent / 1_000_000_000).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
            }
            let stream = try loop.begin(path)
            try loop.awaitHead(of: stream, stopped: stopped)
            try HTTPLoop.check(stream, loop.address)
            eventStream = stream
            eventRest = []
        }
        try refresh(stopped)
    }

    /// The daemon is away: logs are opened anew when it is back.
    mutating func disconnect() {
        eventStream = nil
        for container in containers.values { container.close() }
        tell()
    }

    private mutating func tell() {
        let read = containers.values.filter { $0.exchange != nil }.sorted { $0.id < $1.id }
        let names = read.map { "\($0.id) \($0.target.name)" }
        guard names != shown else { return }
        shown = names
        show(read.flatMap { $0.status() })
    }

    static func version(_ answer: JSONTree) throws(HTTPFailure) -> String {
        func parse(_ text: String?) -> (Int, Int)? {
            guard let parts = text?.split(separator: "."), parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
            return (major, minor)
        }
        guard let theirs = parse(answer["ApiVersion"]?.text) else { throw HTTPFailure("what answers there is no Docker Engine API") }
        let least = parse(answer["MinAPIVersion"]?.text) ?? (1, 24)
        let common = theirs < newest ? theirs : newest
        let chosen = common < least ? least : common
        return "/v\(chosen.0).\(chosen.1)"
    }

    // MARK: What is there

    /// Lists everything and compares.
    private mutating func refresh(_ stopped: borrowing Atomic<Bool>) throws {
        nextRefresh = Monotonic.now() &+ settings.refreshInterval.nanoseconds
        let found = try list(nil, stopped)
        let positions = isFirstList ? sink.positions(withPrefix: ByteString("docker:\(settings.jobName):")) : []
        if isFirstList { lastRun = positions.map { Int64(clamping: $0.position.offset) }.max() }
        let wasFirst = isFirstList
        isFirstList = false
        for target in found {
            let container = try know(target)
            let isNew = wasFirst && !once && !target.isRunning && isUnread(target, positions)
            if target.isRunning || isNew { try attach(container, stopped) }
        }
        // Gone from the daemon: what is still coming of them is read to its end.
        let there = Set(found.map(\.id))
        for (id, container) in containers where !there.contains(id) && container.exchange == nil { containers[id] = nil }
    }

    /// Whether a container that has stopped may hold lines that were written while nobody looked.
    private func isUnread(_ target: DockerTarget, _ positions: [(source: ByteString, position: SourcePosition)]) -> Bool {
        let key = DockerSource.key(settings, target.id)
        if positions.contains(where: { $0.source == key }) { return true }
        guard let lastRun else { return false }
        return target.created >= lastRun / 1_000_000_000
    }

    /// Containers as the filters have them; only `id` where one is given.
    private func list(_ id: String?, _ stopped: borrowing Atomic<Bool>) throws -> [DockerTarget] {
        var wanted = settings.filters.map { ($0.name, $0.values) }
        if let id, !wanted.contains(where: { $0.0 == "id" }) { wanted.append(("id", [id])) }
        var path = "\(version)/containers/json?all=\(once ? 0 : 1)"
        if !wanted.isEmpty { path += "&filters=" + Self.filters(wanted) }
        let found = DockerTarget.targets(try loop.document(path, stopped: stopped), networks, settings)
        return id.map { id in found.filter { $0.id == id } } ?? found
    }

    private static func filters(_ filters: [(String, [String])]) -> String {
        let out = ByteArena()
        func quoted(_ text: String) {
            out.append(UInt8(ascii: "\""))
            text.withView { JSONText.escape($0, into: out) }
            out.append(UInt8(ascii: "\""))
        }
        out.append(UInt8(ascii: "{"))
        for (i, filter) in filters.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            quoted(filter.0)
            out.append(":[" as StaticString)
            for (j, value) in filter.1.enumerated() {
                if j > 0 { out.append(UInt8(ascii: ",")) }
                quoted(value)
            }
            out.append(UInt8(ascii: "]"))
        }
        out.append(UInt8(ascii: "}"))
        defer { withExtendedLifetime(out) {} }
        return HTTPServerAddress.encoded(out.view.string)
    }

    private mutating func know(_ target: DockerTarget) throws -> DockerContainer {
        if let known = containers[target.id] {
            known.update(target)
            return known
        }
        let key = DockerSource.key(settings, target.id)
        let position = sink.positions(withPrefix: key).first { $0.source == key }?.position
        let container = DockerContainer(target, settings, position, sink: sink, events: events)
        containers[target.id] = container
        return container
    }

    // MARK: Logs

    /// Opens the log of a container, unless it is open.
    private mutating func attach(_ container: DockerContainer, _ stopped: borrowing Atomic<Bool>) throws {
        guard container.exchange == nil, container.isWanted else { return }
        guard try ask(container, stopped) else {
            containers[container.id] = nil
            return
        }
        let isFollowed = container.target.isRunning && !once
        container.open(try loop.begin(container.path(follow: isFollowed, version)), isFollowed ? .following : .draining)
    }

    /// Finds out whether it has a terminal. False: it is gone.
    private func ask(_ container: DockerContainer, _ stopped: borrowing Atomic<Bool>) throws -> Bool {
        if container.isTerminal != nil { return true }
        do {
            let answer = try loop.document("\(version)/containers/\(container.id)/json", stopped: stopped)
            container.isTerminal = answer["Config"]?["Tty"]?.isTrue ?? false
            return true
        } catch let error as HTTPFailure where error.status == 404 {
            return false
        }
    }

    /// A log can be read: takes what there is. Whether the container is to be forgotten.
    private mutating func read(_ container: DockerContainer, _ stopped: borrowing Atomic<Bool>) throws {
        guard let exchange = container.exchange else { return }
        do {
            try exchange.step()
            if let status = exchange.status, !(200..<300).contains(status) {
                if exchange.isOver { try refused(container, exchange, status) }
                return
            }
            try container.deliver(end: exchange.isOver && container.reading == .draining)
        } catch let failure as DockerLines.Failure {
            events.count(.dockerErrors, 1)
            again(container, "\(failure)")
            return
        } catch let failure as HTTPFailure {
            // Events tell whether it is the whole daemon that is away.
            again(container, "\(failure)")
            return
        }
        if exchange.isOver { try ended(container, stopped) }
    }

    private mutating func refused(_ container: DockerContainer, _ exchange: HTTPExchange, _ status: Int) throws {
        container.close()
        if status == 404 || status == 409 {
            // Removed, or marked for it.
            containers[container.id] = nil
            return
        }
        do { try HTTPLoop.check(exchange, loop.address) } catch {
            events.count(.dockerErrors, 1)
            if container.retryWait == DockerContainer.retryMin {
                let words = "the log of container \(container.target.name) cannot be read: \(error)"
                events.tell(.error, container.subject, status == 501 || "\(error)".contains("logging driver")
                    ? words + ". Its logging driver keeps nothing to read: use json-file, local or journald" : words)
            }
            again(container, nil)
        }
    }

    private mutating func again(_ container: DockerContainer, _ words: String?) {
        if let words, container.retryWait == DockerContainer.retryMin {
            events.tell(.warning, container.subject, "the log of container \(container.target.name) broke off: \(words); it is read on")
        }
        container.close()
        container.retryAt = Monotonic.now() &+ container.retryWait
        container.retryWait = min(container.retryWait * 2, DockerContainer.retryMax)
    }

    /// A log is at its end: that of a container that runs again goes on, one that has stopped is read once more for what came
    /// while its last lines were written.
    private mutating func ended(_ container: DockerContainer, _ stopped: borrowing Atomic<Bool>) throws {
        let was = container.reading
        let isStartedAgain = container.isStartedAgain
        container.close()
        if once { return }
        if was == .draining, !isStartedAgain { return }
        guard let target = try list(container.id, stopped).first else {
            // Removed, and its log with it.
            containers[container.id] = nil
            return
        }
        container.update(target)
        if target.isRunning, !isStartedAgain, !container.hasProgress {
            // Ended without a line although it runs: not at once again.
            again(container, nil)
        } else {
            try attach(container, stopped)
        }
    }

    // MARK: Going on

    /// Reads until the source is stopped, or with `once` until all logs are at their end.
    mutating func follow(_ stopped: borrowing Atomic<Bool>) throws {
        while true {
            if stopped.load(ordering: .relaxed) { throw HTTPLoop.Stopped() }
            let now = Monotonic.now()
            for container in Array(containers.values) {
                guard let at = container.retryAt, at <= now, container.exchange == nil else { continue }
                container.retryAt = nil
                guard let target = try list(container.id, stopped).first else {
                    containers[container.id] = nil
                    continue
                }
                container.update(target)
                try attach(container, stopped)
            }
            if !once, now >= nextRefresh {
                networks = try DockerTarget.networks(loop.document("\(version)/networks", stopped: stopped))
                try refresh(stopped)
            }
            tell()
            let open = containers.values.filter { $0.exchange != nil }
            if once, open.isEmpty, !containers.values.contains(where: { $0.retryAt != nil }) { return }
            var polls = open.compactMap { $0.exchange?.poll }
            if let eventStream { polls.append(eventStream.poll) }
            let next = containers.values.compactMap(\.retryAt).min().map { min($0, nextRefresh) } ?? nextRefresh
            let wait = max(0, (next &- Monotonic.now()) / 1_000_000 + 1)
            try HTTPLoop.wait(&polls, loop.wakeUp, milliseconds: Int(min(wait, 60_000)))
            // Events first: a container that has just started may be gone soon.
            if eventStream != nil, polls[polls.count - 1].revents != 0 { try takeEvents(stopped) }
            for (container, poll) in zip(open, polls) where poll.revents != 0 { try read(container, stopped) }
        }
    }

    // MARK: Events

    private mutating func takeEvents(_ stopped: borrowing Atomic<Bool>) throws {
        guard let eventStream else { return }
        try eventStream.step()
        try HTTPLoop.check(eventStream, loop.address)
        if !eventStream.body.isEmpty {
            eventRest += eventStream.body.view.copy()
            eventStream.body.reset()
        }
        while let end = eventRest.firstIndex(of: 0x0A) {
            let line = Array(eventRest[..<end])
            eventRest.removeFirst(end + 1)
            if let event = line.withView({ JSONTree($0) }) { try take(event, stopped) }
        }
        guard eventRest.count < 16 << 20 else { throw HTTPFailure("\(loop.address.name): an event of more than 16 MiB") }
        if eventStream.isOver { throw HTTPFailure("\(loop.address.name) ended its events") }
    }

    private mutating func take(_ event: JSONTree, _ stopped: borrowing Atomic<Bool>) throws {
        if let time = event["timeNano"]?.integer { lastEvent = time }
        guard let id = event["Actor"]?["ID"]?.text ?? event["id"]?.text, let action = event["Action"]?.text ?? event["status"]?.text
        else { return }
        switch action {
        case "create", "rename":
            // Its labels and whether it has a terminal, before it is in a hurry.
            guard let target = try list(id, stopped).first else { return }
            let container = try know(target)
            if container.isWanted { _ = try ask(container, stopped) }
        case "start", "unpause":
            try started(id, stopped)
        case "destroy":
            if let container = containers[id], container.exchange == nil { containers[id] = nil }
        default: break  // Its log ends by itself.
        }
    }

    private mutating func started(_ id: String, _ stopped: borrowing Atomic<Bool>) throws {
        if let container = containers[id], container.exchange != nil, container.reading == .following {
            container.isStartedAgain = true
            return
        }
        // Its log is opened before its labels are asked for again: it may live for milliseconds.
        var early: HTTPExchange?
        if let known = containers[id], known.isWanted, known.isTerminal != nil { early = try loop.begin(known.path(follow: true, version)) }
        if let target = try list(id, stopped).first {
            let container = try know(target)
            if let early {
                container.open(early, .following)
            } else {
                // One that has stopped already is read as well.
                try attach(container, stopped)
            }
        } else if let early, let known = containers[id] {
            known.open(early, .following)
        }
    }
}
