import Bytes
import Disk
import LogSources

/// A daemon that answers as the Engine API does (versions 1.41 to 1.51): list, inspect, networks, events, logs.
final class FakeDocker: Sendable {
    struct Line: Sendable {
        var time: Int64
        var text: String
        var stream: UInt8 = 1
        /// The daemon cut it here: no newline.
        var isPart = false
    }

    struct Container: Sendable {
        var id: String
        var name: String
        var labels: [String: String] = [:]
        var isTerminal = false
        var isRunning = true
        var created: Int64 = 1_699_920_000
        var lines: [Line] = []
        /// Removed as soon as nobody reads its log.
        var isRemoved = false
    }

    struct State: Sendable {
        var containers: [String: Container] = [:]
        var events: [String] = []
        /// Every request, in order.
        var requests: [String] = []
        /// Containers whose log was opened, in order.
        var opened: [String] = []
        /// Bytes after which a log breaks off, once.
        var breakLogsAfter: Int?
        var apiVersion = "1.47"
        var leastVersion = "1.24"
        var isOver = false
    }

    let state = Monitor(State())
    private let path: String?
    private let holder = Monitor<RecordedServer?>(nil)

    init(path: String?) {
        self.path = path
        start()
    }

    func start() {
        state.change { $0.isOver = false }
        holder.change { $0 = RecordedServer(path: path) { [self] in answer($0) } }
    }

    /// Goes away: every connection breaks.
    func stop() {
        state.change { $0.isOver = true }
        holder.withLock { $0 }?.stop()
    }

    var address: HTTPServerAddress { holder.withLock { $0?.address } ?? HTTPServerAddress(.unix(path: "/nowhere")) }
    var requests: [String] { state.withLock { $0.requests } }

    /// Waits until `count` requests begin with `prefix` (behind the version).
    func wait(for prefix: String, _ count: Int = 1) -> Bool {
        state.wait(timeout: RecordedServer.patience) { state in
            state.requests.count { $0.dropFirst("/v1.47".utf8.count).hasPrefix(prefix) } >= count ? true : nil
        } ?? false
    }

    /// Waits until the log of a container is open: from there on it is read to its end.
    func waitForLog(of id: String) -> Bool {
        state.wait(timeout: RecordedServer.patience) { $0.opened.contains(id) ? true : nil } ?? false
    }

    // MARK: What happens on the host

    func run(_ container: Container) {
        state.change { state in
            state.containers[container.id] = container
            for action in ["create", "start"] { state.events.append(Self.event(action, container)) }
        }
    }

    func write(_ id: String, _ lines: Line...) { state.change { $0.containers[id]?.lines += lines } }

    func end(_ id: String, removed: Bool = false) {
        state.change { state in
            guard var container = state.containers[id] else { return }
            container.isRunning = false
            container.isRemoved = removed
            state.containers[id] = container
            state.events.append(Self.event("die", container))
            if removed { state.events.append(Self.event("destroy", container)) }
        }
    }

    func restart(_ id: String) {
        state.change { state in
            guard var container = state.containers[id] else { return }
            container.isRunning = true
            state.containers[id] = container
            state.events.append(Self.event("start", container))
        }
    }

    private static func event(_ action: String, _ container: Container) -> String {
        """
        {"status":"\(action)","id":"\(container.id)","from":"alpine","Type":"container","Action":"\(action)","Actor":{"ID":"\(container.id)",\
        "Attributes":{"image":"alpine","name":"\(container.name)"}},"scope":"local","time":1700000000,"timeNano":1700000000000000000}\n
        """
    }

    // MARK: Answers

    private func answer(_ answer: RecordedServer.Answer) {
        state.change { $0.requests.append(answer.target) }
        if answer.path == "/version" {
            let (version, least) = state.withLock { ($0.apiVersion, $0.leastVersion) }
            return answer.send(
                """
                {"Platform":{"Name":"Docker Engine - Community"},"Version":"27.3.1","ApiVersion":"\(version)","MinAPIVersion":"\(least)",\
                "Os":"linux","Arch":"amd64","KernelVersion":"6.1.0"}
                """)
        }
        let parts = answer.path.split(separator: "/").map { String($0) }
        guard parts.count >= 2, parts[0].hasPrefix("v1.") else { return answer.send("{\"message\":\"page not found\"}", status: "404 Not Found") }
        switch (parts[1], parts.count) {
        case ("networks", 2):
            answer.send(
                """
                [{"Name":"app_default","Id":"9a1f","Created":"2024-01-01T00:00:00Z","Scope":"local","Driver":"bridge","EnableIPv6":false,\
                "Internal":false,"Attachable":false,"Ingress":false,"Labels":{"com.docker.compose.network":"default"}}]
                """)
        case ("events", 2): events(answer)
        case ("containers", 3) where parts[2] == "json": answer.send(list(answer))
        case ("containers", 4) where parts[3] == "json":
            guard let container = found(parts[2]) else { return missing(parts[2], answer) }
            answer.send(
                """
                {"Id":"\(container.id)","Name":"/\(container.name)","State":{"Status":"running","Running":\(container.isRunning)},\
                "Config":{"Hostname":"h","Tty":\(container.isTerminal),"Labels":{}}}
                """)
        case ("containers", 4) where parts[3] == "logs": logs(parts[2], answer)
        default: answer.send("{\"message\":\"page not found\"}", status: "404 Not Found")
        }
    }

    private func found(_ id: String) -> Container? { state.withLock { $0.containers[id].flatMap { $0.isRemoved ? nil : $0 } } }

    private func missing(_ id: String, _ answer: RecordedServer.Answer) {
        answer.send("{\"message\":\"No such container: \(id)\"}", status: "404 Not Found")
    }

    private func list(_ answer: RecordedServer.Answer) -> String {
        let (query, all) = (answer.query, answer.query["all"] == "1")
        let filters = query["filters"] ?? ""
        let items = state.withLock { $0.containers.values.sorted { $0.id < $1.id } }.filter { container in
            if container.isRemoved || !(all || container.isRunning) { return false }
            if filters.contains("\"id\":["), !filters.contains("\"\(container.id)\"") { return false }
            if filters.contains("\"label\":["), !container.labels.contains(where: { filters.contains("\"\($0.key)=\($0.value)\"") }) { return false }
            return true
        }
        return "[" + items.map { container in
            let labels = container.labels.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
            return """
                {"Id":"\(container.id)","Names":["/\(container.name)"],"Image":"alpine","ImageID":"sha256:05455a","Command":"sh",\
                "Created":\(container.created),"Ports":[{"IP":"0.0.0.0","PrivatePort":8080,"PublicPort":18080,"Type":"tcp"},\
                {"PrivatePort":5000,"Type":"udp"}],"Labels":{\(labels)},"State":"\(container.isRunning ? "running" : "exited")",\
                "Status":"Up 3 minutes","HostConfig":{"NetworkMode":"app_default"},"NetworkSettings":{"Networks":{"app_default":\
                {"NetworkID":"9a1f","EndpointID":"e1","Gateway":"172.18.0.1","IPAddress":"172.18.0.7","IPPrefixLen":16}}},"Mounts":[]}
                """
        }.joined(separator: ",") + "]"
    }

    private func events(_ answer: RecordedServer.Answer) {
        answer.beginChunks()
        var told = state.withLock { $0.events.count }
        while true {
            let more: [String]? = state.wait(timeout: 50_000_000) { state in
                if state.isOver { return [] }
                return state.events.count > told ? Array(state.events[told...]) : nil
            }
            guard let more else {
                if answer.isAbandoned { return }
                continue
            }
            if more.isEmpty { return }
            told += more.count
            // Two events in one chunk, as a daemon may send them.
            answer.chunk(Array(more.joined().utf8))
        }
    }

    private func logs(_ id: String, _ answer: RecordedServer.Answer) {
        guard let first = found(id) else { return missing(id, answer) }
        state.change { $0.opened.append(id) }
        let query = answer.query
        let since = Self.nanoseconds(query["since"] ?? "0")
        let isFollowed = query["follow"] == "1"
        answer.beginChunks()
        var at = 0
        while true {
            let step: (lines: [Line], ended: Bool, breakAfter: Int?)? = state.wait(timeout: 50_000_000) { state in
                guard let container = state.containers[id], !state.isOver else { return ([], true, nil) }
                let lines = Array(container.lines[min(at, container.lines.count)...])
                if lines.isEmpty, isFollowed, container.isRunning { return nil }
                defer { if !lines.isEmpty { state.breakLogsAfter = nil } }
                return (lines, !isFollowed || !container.isRunning, lines.isEmpty ? nil : state.breakLogsAfter)
            }
            guard let step else {
                if answer.isAbandoned { return }
                continue
            }
            at += step.lines.count
            var bytes: [UInt8] = []
            for line in step.lines where line.time >= since && query[line.stream == 2 ? "stderr" : "stdout"] == "1" {
                bytes += Self.encoded(line, isTerminal: first.isTerminal)
            }
            if let limit = step.breakAfter {
                answer.chunk(Array(bytes.prefix(limit)))
                return
            }
            if !bytes.isEmpty { answer.chunk(bytes) }
            if step.ended {
                answer.endChunks()
                return
            }
        }
    }

    private static func encoded(_ line: Line, isTerminal: Bool) -> [UInt8] {
        let text = Array("\(time(line.time)) \(line.text)\(line.isPart ? "" : isTerminal ? "\r\n" : "\n")".utf8)
        if isTerminal { return text }
        return [line.stream, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: text.count >> (24 - 8 * $0)) } + text
    }

    /// As Docker writes it, always with nine digits. The tests' times are all in one day.
    static func time(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds / 1_000_000_000 - day
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let digits = String(nanoseconds % 1_000_000_000)
        return "2023-11-14T\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))."
            + String(repeating: "0", count: 9 - digits.count) + digits + "Z"
    }

    /// 2023-11-14T00:00:00Z in seconds.
    static let day: Int64 = 1_699_920_000
    /// Noon of it, in nanoseconds.
    static let noon: Int64 = (day + 43_200) * 1_000_000_000

    private static func nanoseconds(_ text: String) -> Int64 {
        let parts = text.split(separator: ".")
        let digits = parts.count > 1 ? String(parts[1]) : "0"
        return (Int64(parts.first ?? "0") ?? 0) * 1_000_000_000 + (Int64(digits + String(repeating: "0", count: max(0, 9 - digits.count))) ?? 0)
    }
}
