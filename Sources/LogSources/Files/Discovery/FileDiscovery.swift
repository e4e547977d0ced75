import Bytes
import LogModel
import Synchronization

/// `file_sd_configs`: reads target files, and again whenever they change, and tells a `FileSource` which targets there are.
///
/// A file that cannot be read or understood keeps the targets that it had, and that is said. One that is gone takes its targets
/// with it. Changes come by inotify, a few milliseconds after the last write, and by a look every `refreshInterval`.
package final class FileDiscovery: CollectorSource {
    /// What a target file holds, by its bytes and its path. Throws what a person should read.
    package typealias Parser = @Sendable ([UInt8], String) throws -> [TargetGroup]

    /// A target file as it was when it was read last.
    private struct Known {
        /// nil: it could not be read then, which may pass without a change of the file.
        var status: FileStatus?
        var groups: [TargetGroup]
    }

    private struct Entry {
        let settings: FileDiscoverySettings
        let globs: [Glob]
        let owner: String
        var known: [ByteString: Known] = [:]
        /// Which targets were told last.
        var told: Set<Int> = []
        var hasTold = false
    }

    private struct State {
        var entries: [Entry]
        /// What was said already: a broken file is not told of at every look.
        var said: Set<String> = []
    }

    package let name = "file_sd"
    private let state: Mutex<State>
    private let files: FileSource
    private let archives: ArchiveSource?
    private let hostname: String
    private let parse: Parser
    private let events: SourceEvents
    private let once: Bool
    private let shortest: Duration
    private let stopped = Atomic<Bool>(false)
    private let wakeUp: WakeUp

    /// How soon a file is looked at again that could not be read, at the latest.
    private static let retryWait: Duration = .seconds(5)
    /// A target file of more bytes is refused.
    static let sizeMax: UInt64 = 16 << 20

    /// Reads all target files once, so that their targets are there before `files` runs. Throws a `GlobError` for a pattern.
    package init(
        _ settings: [FileDiscoverySettings], files: FileSource, archives: ArchiveSource? = nil, hostname: String,
        once: Bool = false,
        events: SourceEvents = SourceEvents(), parse: @escaping Parser
    ) throws {
        self.files = files
        self.archives = archives
        self.hostname = hostname
        self.parse = parse
        self.events = events
        self.once = once
        shortest = settings.map(\.refreshInterval).min() ?? .seconds(300)
        wakeUp = try WakeUp()
        let entries = try settings.enumerated().map { index, one in
            Entry(
                settings: one, globs: try one.files.map { try Glob(ByteString($0)) },
                owner: "file_sd:\(one.jobName):\(index)")
        }
        state = Mutex(State(entries: entries))
        var none: Inotify?
        var watched: [ByteString: Int32] = [:]
        look(&none, &watched, changed: [])
        state.withLock { state in
            for entry in state.entries where entry.known.isEmpty {
                events.tell(
                    .warning, "file_sd_configs of job \(entry.settings.jobName)",
                    "no target file there yet: \(entry.settings.files.joined(separator: ", "))")
            }
        }
    }

    package var isReady: Bool { true }

    package func stop() {
        stopped.store(true, ordering: .relaxed)
        wakeUp.signal()
    }

    package func run() throws {
        if once { return }
        var inotify: Inotify?
        do { inotify = try Inotify() } catch {
            events.tell(.warning, "inotify", "\(error); target files are looked at every \(shortest) instead")
        }
        var watched: [ByteString: Int32] = [:]
        look(&inotify, &watched, changed: [])
        var next = nextLook()
        var batch: [Inotify.Event] = []
        while !stopped.load(ordering: .relaxed) {
            let wait = max(0, (next &- Monotonic.now()) / 1_000_000 + 1)
            let ready = System.waitReadable([wakeUp.readable, inotify?.file ?? -1], milliseconds: Int(min(wait, 60_000)))
            if ready[0] { wakeUp.clear() }
            var changed: Set<ByteString> = []
            var isTold = ready[1]
            // A file that is being written is read when its writer pauses: it would be half a list before.
            let patience = Monotonic.now() &+ 1_000_000_000
            while isTold {
                inotify?.read(into: &batch)
                for event in batch {
                    for (directory, watch) in watched where watch == event.watch {
                        if event.isIgnored { watched[directory] = nil }
                        changed.insert(event.name.isEmpty ? directory : directory.appending(event.name))
                    }
                }
                let more = System.waitReadable([wakeUp.readable, inotify?.file ?? -1], milliseconds: 20)
                isTold = more[1] && !more[0] && Monotonic.now() < patience
            }
            guard !changed.isEmpty || Monotonic.now() >= next else { continue }
            look(&inotify, &watched, changed: changed)
            next = nextLook()
        }
    }

    /// Monotonic nanoseconds.
    private func nextLook() -> Int64 {
        let isUnread = state.withLock { $0.entries.contains { $0.known.values.contains { $0.status == nil } } }
        return Monotonic.now() &+ (isUnread ? min(shortest, Self.retryWait) : shortest).nanoseconds
    }

    /// Reads what is new or in `changed`, and tells the source where targets differ.
    private func look(_ inotify: inout Inotify?, _ watched: inout [ByteString: Int32], changed: Set<ByteString>) {
        var directories: Set<ByteString> = []
        state.withLock { state in
            for index in state.entries.indices {
                var expansion = GlobExpansion()
                var seen: Set<ByteString> = []
                for glob in state.entries[index].globs {
                    for match in expansion.files(of: glob, entering: { directories.insert($0) }) {
                        guard seen.insert(match.path).inserted else { continue }
                        read(match, isChanged: changed.contains(match.path), &state, index)
                    }
                }
                // A directory that cannot be listed says nothing about its files.
                let blind = Set(expansion.problems.map(\.path))
                for problem in expansion.problems { say("\(problem)", problem.path.string, &state) }
                for path in Array(state.entries[index].known.keys)
                where !seen.contains(path) && !blind.contains(path.parent) && !blind.contains(path) {
                    state.entries[index].known[path] = nil
                }
                publish(&state, index)
            }
        }
        guard inotify != nil else { return }
        var missed = false
        for directory in directories where watched[directory] == nil {
            guard let watch = try? inotify?.add(directory) else { continue }
            watched[directory] = watch
            missed = true
        }
        // What happened between the look and the watch.
        if missed { look(&inotify, &watched, changed: []) }
    }

    private func read(_ match: GlobExpansion.Match, isChanged: Bool, _ state: inout State, _ index: Int) {
        let before = state.entries[index].known[match.path]
        if !isChanged, before?.status == match.status { return }
        var status: FileStatus? = match.status
        var groups = before?.groups ?? []
        let path = match.path.string
        do {
            groups = try parse(try Self.contents(of: match.path), path)
            state.said = state.said.filter { !$0.hasPrefix(path + " ") }
        } catch {
            if error is SystemError { status = nil }
            events.count(.targetFilesFailed, 1)
            say("\(error); \(before == nil ? "it has no targets" : "its targets stay as they were")", path, &state)
        }
        state.entries[index].known[match.path] = Known(status: status, groups: groups)
    }

    private static func contents(of path: ByteString) throws -> [UInt8] {
        let file = try System.open(path)
        defer { System.close(file) }
        let size = try System.status(of: file, path).size
        guard size <= sizeMax else { throw StoreError(.system, "it has more than \(sizeMax >> 20) MiB") }
        return try System.bytes(file, 0..<size, path)
    }

    private func publish(_ state: inout State, _ index: Int) {
        let entry = state.entries[index]
        var wanted: [FileTargetSettings] = []
        for (path, known) in entry.known.sorted(by: { $0.key < $1.key }) {
            for group in known.groups {
                for address in group.targets {
                    var one = entry.settings.target
                    var labels = group.labels
                    labels["__address__"] = ByteString(address)
                    labels["__meta_filepath"] = path
                    one.labels = labels
                    wanted.append(one)
                }
            }
        }
        var problems: [(String, String)] = []
        let targets = FileTarget.resolve(wanted, hostname: hostname) { one, failure, words in
            // Several addresses with one path are one target; another host's are not ours to follow.
            if failure == .exists || failure == .wrongHost || failure == .dropped { return }
            problems.append((one.labels["__meta_filepath"]?.string ?? "", "target \(one.labels) is not followed: \(words)"))
        }
        for (path, words) in problems { say(words, path, &state) }
        let ids = Set(targets.map(\.id))
        guard !entry.hasTold || ids != entry.told else { return }
        if entry.hasTold {
            events.tell(
                .info, "file_sd_configs of job \(entry.settings.jobName)",
                "\(ids.subtracting(entry.told).count) targets added, \(entry.told.subtracting(ids).count) removed, \(ids.count) in all")
        }
        state.entries[index].told = ids
        state.entries[index].hasTold = true
        files.replace(targets, of: entry.owner)
        archives?.replace(targets, of: entry.owner)
    }

    private func say(_ words: String, _ path: String, _ state: inout State) {
        // Bounded: target files come from outside.
        guard state.said.count < 10_000, state.said.insert("\(path) \(words)").inserted else { return }
        events.tell(.error, path, words)
    }
}
