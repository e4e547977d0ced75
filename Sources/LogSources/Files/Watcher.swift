import Bytes
import Synchronization

/// What the watcher has found out about files, for the reader, in order.
enum FileNotice: Sendable {
    /// `path` leads to the file and matches `target`. An open descriptor where the watcher already had to hold on to it.
    case found(FileID, path: ByteString, target: Int, file: Int32?, status: FileStatus, when: FileArrival)
    /// `path` leads to it no longer.
    case gone(FileID, path: ByteString)
    /// It has a name in a watched directory that matches nothing: where to open it.
    case moved(FileID, to: ByteString)
    /// It may have changed.
    case touched(FileID)
    /// A file that matches nothing, at `path`, had the name `formerly`: it was rotated while the collector did not run.
    case stray(FileID, path: ByteString, formerly: ByteString, target: Int)
    /// The targets that there are from now on. What no longer is among them is read to its end and let go of.
    case targets([FileTarget])
    /// Everything was looked at: files that failed may be tried again.
    case resynced
}

/// When a file was found, which decides where to begin in it.
enum FileArrival: Sendable {
    /// It was there when the collector began.
    case atStart
    /// It was there when its target was added.
    case withTarget
    /// It appeared while its target was watched.
    case later
}

/// Notices on their way from one thread to another.
final class Inbox: Sendable {
    private let notices = Mutex<[FileNotice]>([])
    private let wakeUp: WakeUp

    init(_ wakeUp: WakeUp) { self.wakeUp = wakeUp }

    func post(_ more: [FileNotice]) {
        if more.isEmpty { return }
        let wasEmpty = notices.withLock { notices in
            defer { notices.append(contentsOf: more) }
            return notices.isEmpty
        }
        if wasEmpty { wakeUp.signal() }
    }

    func take() -> [FileNotice] {
        notices.withLock { notices in
            defer { notices = [] }
            return notices
        }
    }
}

/// Knows which path leads to which file: expands patterns, watches their directories, and looks at what changes.
///
/// It runs on a thread of its own so that a reader that waits for its sink misses no rotation: a file created and renamed
/// meanwhile is opened here at once. All of this is of one thread.
struct Watcher: ~Copyable {
    private var targets: [FileTarget]
    private let changes: TargetChanges
    /// Targets of which the files that are there have not been told yet.
    private var fresh: Set<Int> = []
    private let settings: FileSourceSettings
    private let events: SourceEvents
    private let inbox: Inbox
    private let budget: DescriptorBudget

    private var inotify: Inotify?
    /// Names of a watched directory: it may be reached through links.
    private var directories: [Int32: Set<ByteString>] = [:]
    private var watches: [ByteString: Int32] = [:]
    /// Which file a matching path leads to, and what it was when it was looked at.
    private var current: [ByteString: FileStatus] = [:]
    private var names: [FileID: Set<ByteString>] = [:]
    /// Files whose last matching name is gone and which the reader may still hold.
    private var nameless: Set<FileID> = []
    /// Links by where they lead: events carry the name of the real file.
    private var links: [ByteString: Set<ByteString>] = [:]
    /// The other way round: where a matching path leads.
    private var reals: [ByteString: ByteString] = [:]
    /// Names of the paths in `current` and of where links lead.
    private var census = NameCensus()
    private var notices: [FileNotice] = []
    private var reported: Set<ByteString> = []
    private var isStart = true

    init(
        targets: [FileTarget], changes: TargetChanges, settings: FileSourceSettings, events: SourceEvents, inbox: Inbox,
        budget: DescriptorBudget
    ) {
        self.targets = targets
        self.changes = changes
        self.settings = settings
        self.events = events
        self.inbox = inbox
        self.budget = budget
    }

    /// Looks at everything once; then, unless `once`, `run` goes on. `known`: paths of committed positions by inode.
    mutating func start(watching: Bool, known: KnownPositions) {
        if watching {
            do { inotify = try Inotify() } catch {
                events.tell(
                    .warning, "inotify",
                    "\(error); files are polled instead. The limit is fs.inotify.max_user_instances (sysctl)")
            }
        }
        scan(known: known)
        isStart = false
        flush()
    }

    mutating func run(until stopped: borrowing Atomic<Bool>, wakeUp: WakeUp, finished: borrowing Mutex<[FileID]>) {
        var waiting: [Inotify.Event] = []
        var nextScan = Monotonic.now() &+ interval
        var isScanDue = false
        var lastScan = Monotonic.now()
        while !stopped.load(ordering: .relaxed) {
            // New directories are looked into at once, but not more than ten times a second.
            let due = isScanDue ? min(nextScan, lastScan &+ 100_000_000) : nextScan
            let wait = max(0, min((due &- Monotonic.now()) / 1_000_000 + 1, 1_000))
            let ready = System.waitReadable([wakeUp.readable, inotify?.file ?? -1], milliseconds: Int(wait))
            if ready[0] { wakeUp.clear() }
            for id in finished.withLock({ list in
                defer { list = [] }
                return list
            }) { nameless.remove(id) }
            if ready[1] {
                inotify?.read(into: &waiting, writesTo: census)
                if handle(waiting) { isScanDue = true }
                flush()
                // Every write to a file is an event: taking them in handfuls costs a fraction of taking them one by one.
                _ = System.waitReadable([], milliseconds: settings.pacing.milliseconds / 2)
            }
            if let changed = changes.take() { adopt(changed) }
            let now = Monotonic.now()
            if now >= nextScan || (isScanDue && now &- lastScan >= 100_000_000) {
                scan()
                lastScan = Monotonic.now()
                nextScan = lastScan &+ interval
                isScanDue = false
            }
            flush()
        }
    }

    /// Without inotify, new files are found by looking often.
    private var interval: Int64 {
        let often = min(settings.resyncInterval, max(settings.pollInterval, .milliseconds(50)) * 4)
        return (inotify == nil ? often : settings.resyncInterval).nanoseconds
    }

    /// Other targets than before: what no target matches any more is told as gone, then new ones are looked for.
    private mutating func adopt(_ changed: [FileTarget]) {
        let before = Set(targets.map(\.id))
        let after = Set(changed.map(\.id))
        guard before != after else { return }
        targets = changed
        notices.append(.targets(changed))
        for path in current.keys.sorted() where matching(path).isEmpty { lose(path) }
        fresh = after.subtracting(before)
        scan()
        fresh = []
    }

    private mutating func flush() {
        inbox.post(notices)
        notices = []
    }

    // MARK: Directories

    private mutating func watch(_ directory: ByteString) {
        guard inotify != nil, watches[directory] == nil else { return }
        do {
            guard let watch = try inotify?.add(directory) else { return }
            watches[directory] = watch
            directories[watch, default: []].insert(directory)
        } catch {
            guard !error.isMissing, reported.insert(directory).inserted else { return }
            let hint = error.code == 28 ? ". Raise fs.inotify.max_user_watches (sysctl)" : ""
            events.tell(.warning, directory.string, "\(error); looked at every \(settings.resyncInterval) instead\(hint)")
        }
    }

    private mutating func unwatch(_ directory: ByteString) {
        guard let watch = watches.removeValue(forKey: directory) else { return }
        directories[watch]?.remove(directory)
        if directories[watch]?.isEmpty ?? false {
            directories[watch] = nil
            inotify?.remove(watch)
        }
    }

    /// Expands all patterns. O(files and directories).
    private mutating func scan(known: KnownPositions? = nil) {
        var expansion = GlobExpansion()
        var matches: [GlobExpansion.Match] = []
        var wanted: [ByteString: [Int]] = [:]
        for target in targets {
            for match in expansion.files(of: target.glob, excluding: target.exclude, entering: { watch($0) })
            where !target.isArchive(match.path) {
                if wanted[match.path] == nil { matches.append(match) }
                wanted[match.path, default: []].append(target.id)
            }
        }
        for match in matches { note(match, targets: wanted[match.path] ?? []) }
        let seen = Set(wanted.keys)
        for path in Array(current.keys) where !seen.contains(path) { examine(path) }
        for directory in Array(watches.keys) where !expansion.entered.contains(directory) { unwatch(directory) }
        for problem in expansion.problems { report(problem) }
        if let known { findStrays(known, expansion, seen) }
        notices.append(.resynced)
    }

    /// Files that were read under a name of ours, and were renamed while nobody looked; then those that came and went after
    /// them under that name, which nothing but their new names tells.
    private mutating func findStrays(_ known: KnownPositions, _ expansion: GlobExpansion, _ seen: Set<ByteString>) {
        let inodes = known.inodes
        if inodes.isEmpty { return }
        let since = known.since
        let byPath = known.byPath
        for directory in expansion.entered.sorted() {
            guard let entries = expansion.listings[directory]?.entries ?? (try? System.list(directory))?.entries else { continue }
            let formers = since.keys.filter { $0.parent == directory }
            for entry in entries where entry.kind == .regular || entry.kind == nil {
                let path = directory.appending(entry.name)
                if seen.contains(path) { continue }
                let mayBeKnown = inodes.contains(entry.inode)
                let rotated = formers.filter { RotatedName.isOne(path, of: $0) }
                guard mayBeKnown || !rotated.isEmpty, let status = Self.regular(path), names[status.id] == nil else { continue }
                let own = mayBeKnown ? known.formerNames(of: path, status) : []
                let isKnown = !own.isEmpty
                let candidates = isKnown ? own : rotated
                for former in Set(candidates) where former.parent == directory {
                    guard isKnown || status.modified >= since[former] ?? .max,
                        let target = targets.first(where: { $0.matches(former) })
                    else { continue }
                    if !isKnown, KnownPositions.isCopy(path, size: status.size, of: byPath[former] ?? []) { continue }
                    notices.append(.stray(status.id, path: path, formerly: former, target: target.id))
                }
            }
        }
    }

    private static func regular(_ path: ByteString) -> FileStatus? {
        guard let status = try? System.status(of: path, followingLinks: false), status.kind == .regular else { return nil }
        return status
    }

    // MARK: Files

    /// True: directories have changed, patterns must be expanded again.
    private mutating func handle(_ events: [Inotify.Event]) -> Bool {
        var needsScan = false
        var changed: [ByteString] = []
        var changedSet: Set<ByteString> = []
        // Where a file with a matching name went, as long as this batch tells: one that was created and renamed between two
        // looks is known by nothing else.
        var carried: [UInt32: ByteString] = [:]
        var origins: [ByteString: ByteString] = [:]
        for event in events {
            if event.isOverflow {
                self.events.count(.watchOverflows, 1)
                needsScan = true
                continue
            }
            if event.isIgnored {
                for directory in directories.removeValue(forKey: event.watch) ?? [] { watches[directory] = nil }
                continue
            }
            if event.isSelf {
                needsScan = true
                continue
            }
            for directory in directories[event.watch] ?? [] {
                let path = directory.appending(event.name)
                if event.isDirectory {
                    if !event.isModification { needsScan = true }
                    continue
                }
                let aliases = links[path] ?? []
                if event.isModification {
                    for name in [path] + aliases { if let status = current[name] { touch(status.id) } }
                    continue
                }
                if event.isMovedFrom {
                    if let origin = origins.removeValue(forKey: path) ?? (matching(path).isEmpty ? nil : path) {
                        carried[event.cookie] = origin
                    }
                } else if event.isMovedTo {
                    origins[path] = carried.removeValue(forKey: event.cookie)
                }
                for name in [path] + aliases where changedSet.insert(name).inserted { changed.append(name) }
            }
        }
        for path in changed { examine(path, origin: origins[path]) }
        return needsScan
    }

    private mutating func touch(_ id: FileID) {
        if case .touched(id)? = notices.last { return }
        notices.append(.touched(id))
    }

    private func matching(_ path: ByteString) -> [Int] { targets.filter { $0.matches(path) }.map(\.id) }

    /// Looks at one path and tells what is different.
    private mutating func examine(_ path: ByteString, origin: ByteString? = nil) {
        let wanted = matching(path)
        if wanted.isEmpty, nameless.isEmpty, names.isEmpty, origin == nil { return }
        var match: GlobExpansion.Match?
        do { match = try GlobExpansion.look(at: path) } catch {
            if !error.isMissing, !wanted.isEmpty { report(error) }
        }
        if let match, !wanted.isEmpty {
            note(match, targets: wanted)
            return
        }
        lose(path)
        guard let match, wanted.isEmpty else { return }
        let id = match.status.id
        if names[id] != nil || nameless.contains(id) {
            notices.append(.moved(id, to: path))
        } else if let origin, origin != path {
            // It had a matching name that was taken from it before anyone looked.
            let file = pin(path, id)
            for target in matching(origin) {
                notices.append(
                    .found(id, path: origin, target: target, file: file.flatMap { duplicate($0) }, status: match.status, when: .later))
            }
            if let file { release(file) }
            notices.append(.moved(id, to: path))
            notices.append(.gone(id, path: origin))
            nameless.insert(id)
        }
    }

    /// `path` leads to no matching file, or to another.
    private mutating func lose(_ path: ByteString) {
        if let real = reals.removeValue(forKey: path) { unlink(path, from: real) }
        guard let old = current.removeValue(forKey: path) else { return }
        census.remove(path)
        names[old.id]?.remove(path)
        if names[old.id]?.isEmpty ?? false {
            names[old.id] = nil
            nameless.insert(old.id)
        }
        notices.append(.gone(old.id, path: path))
    }

    private mutating func unlink(_ path: ByteString, from real: ByteString) {
        if links[real]?.remove(path) != nil { census.remove(real) }
        if links[real]?.isEmpty ?? false { links[real] = nil }
    }

    /// Remembers where a link leads, and watches there.
    private mutating func follow(_ match: GlobExpansion.Match) {
        guard let real = match.real else { return }
        if let before = reals.updateValue(real, forKey: match.path), before != real { unlink(match.path, from: before) }
        if links[real, default: []].insert(match.path).inserted { census.add(real) }
        watch(real.parent)
    }

    private mutating func note(_ match: GlobExpansion.Match, targets wanted: [Int]) {
        if let old = current[match.path], old.id == match.status.id {
            follow(match)
            current[match.path] = match.status
            if old != match.status { touch(old.id) }
            for target in wanted where fresh.contains(target) { post(match, target) }
            return
        }
        lose(match.path)
        follow(match)
        current[match.path] = match.status
        census.add(match.path)
        let isKnown = names[match.status.id] != nil || nameless.contains(match.status.id)
        names[match.status.id, default: []].insert(match.path)
        nameless.remove(match.status.id)
        for target in wanted { post(match, target, isKnown: isKnown) }
    }

    private mutating func post(_ match: GlobExpansion.Match, _ target: Int, isKnown: Bool = true) {
        // Files that appear while running are held open from here on; those found at start may be many.
        let file = isStart || isKnown ? nil : pin(match.path, match.status.id)
        notices.append(
            .found(
                match.status.id, path: match.path, target: target, file: file, status: match.status,
                when: isStart ? .atStart : fresh.contains(target) ? .withTarget : .later))
    }

    private func pin(_ path: ByteString, _ id: FileID) -> Int32? {
        guard budget.take() else { return nil }
        if let file = try? System.open(path) {
            if let status = try? System.status(of: file, path), status.id == id, status.kind == .regular { return file }
            System.close(file)
        }
        budget.give()
        return nil
    }

    private func release(_ file: Int32) {
        System.close(file)
        budget.give()
    }

    private func duplicate(_ file: Int32) -> Int32? {
        guard budget.take() else { return nil }
        if let copy = System.duplicate(file) { return copy }
        budget.give()
        return nil
    }

    private mutating func report(_ error: SystemError) {
        if error.isMissing { return }
        guard reported.count < 10_000, reported.insert(error.path).inserted else { return }
        events.count(.filesFailed, 1)
        let words = error.isForbidden ? PermissionHint.text(for: error) : error.description
        events.tell(.error, error.path.string, "cannot read \(error.path): \(words)")
    }
}

/// How many files may be open, shared by watcher and reader.
final class DescriptorBudget: Sendable {
    private let left: Atomic<Int>
    let total: Int

    init(_ total: Int) {
        self.total = total
        left = Atomic(total)
    }

    func take() -> Bool {
        if left.wrappingSubtract(1, ordering: .relaxed).newValue >= 0 { return true }
        left.wrappingAdd(1, ordering: .relaxed)
        return false
    }

    func give() { left.wrappingAdd(1, ordering: .relaxed) }

    var isExhausted: Bool { left.load(ordering: .relaxed) <= 0 }
}
