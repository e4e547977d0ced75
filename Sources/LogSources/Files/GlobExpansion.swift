import Bytes

/// One walk through the file system: which files match, which directories were looked into.
///
/// Directories are announced before they are listed, so that a watch set in `enter` misses nothing that happens after.
struct GlobExpansion {
    struct Match {
        var path: ByteString
        var status: FileStatus
        /// Where the file really is, when a link led there.
        var real: ByteString?
    }

    /// Directories that could not be read, and matches that could not be looked at.
    private(set) var problems: [SystemError] = []
    /// All that was listed, by path.
    private(set) var listings: [ByteString: (id: FileID, entries: [DirectoryEntry])] = [:]
    private(set) var entered: Set<ByteString> = []

    /// Directories a walk may list: a `**` over a whole file system ends here.
    static let directoriesMax = 100_000
    static let depthMax = 64

    private struct Visit: Hashable {
        var path: ByteString
        var component: Int
    }

    /// Files that match `glob`, each path once. A path that exists as written is taken as written, whatever characters
    /// its name holds. `enter` is called with each directory before it is listed.
    mutating func files(
        of glob: Glob, excluding exclude: Glob? = nil, entering enter: (ByteString) -> Void = { _ in }
    ) -> [Match] {
        var found: [ByteString: Match] = [:]
        if glob.text.bytes.first == ByteString.slash, let status = try? System.status(of: glob.text),
            status.kind != .directory
        {
            step(into: glob.text.parent, enter)
            add(glob.text, known: nil, &found, enter)
        } else {
            for components in glob.alternatives {
                var visited: Set<Visit> = []
                walk("/", components, 0, [], &visited, &found, enter)
            }
        }
        return found.values.filter { exclude?.matches($0.path) != true }.sorted { $0.path < $1.path }
    }

    private mutating func step(into directory: ByteString, _ enter: (ByteString) -> Void) {
        if entered.insert(directory).inserted { enter(directory) }
    }

    private mutating func list(
        _ directory: ByteString, _ enter: (ByteString) -> Void
    ) -> (id: FileID, entries: [DirectoryEntry])? {
        if let known = listings[directory] { return known }
        guard listings.count < Self.directoriesMax else { return nil }
        step(into: directory, enter)
        do {
            let listing = try System.list(directory)
            listings[directory] = listing
            return listing
        } catch {
            if error.isMissing {
                watchAncestor(of: directory, enter)
            } else {
                problems.append(error)
            }
            return nil
        }
    }

    /// For a directory that does not exist yet: its nearest ancestor that does, where it will appear.
    private mutating func watchAncestor(of directory: ByteString, _ enter: (ByteString) -> Void) {
        var ancestor = directory.parent
        while ancestor.count > 1 {
            if let status = try? System.status(of: ancestor), status.kind == .directory { break }
            ancestor = ancestor.parent
        }
        step(into: ancestor, enter)
    }

    private mutating func walk(
        _ directory: ByteString, _ components: [Glob.Component], _ index: Int, _ above: [FileID],
        _ visited: inout Set<Visit>, _ found: inout [ByteString: Match], _ enter: (ByteString) -> Void
    ) {
        guard index < components.count, visited.insert(Visit(path: directory, component: index)).inserted else { return }
        let isLast = index == components.count - 1
        switch components[index] {
        case .literal(let name):
            let path = directory.appending(name)
            if isLast {
                step(into: directory, enter)
                add(path, known: nil, &found, enter)
            } else {
                walk(path, components, index + 1, above, &visited, &found, enter)
            }
        case .pattern(let tokens):
            guard let listing = list(directory, enter) else { return }
            for entry in listing.entries where entry.name.withView({ Glob.matches(tokens, $0) }) {
                let path = directory.appending(entry.name)
                if isLast {
                    if entry.kind != .directory { add(path, known: entry.kind, &found, enter) }
                } else if isDirectory(entry, path) {
                    walk(path, components, index + 1, above, &visited, &found, enter)
                }
            }
        case .anyDirectories:
            guard let listing = list(directory, enter), above.count < Self.depthMax, !above.contains(listing.id) else { return }
            if !isLast { walk(directory, components, index + 1, above, &visited, &found, enter) }
            for entry in listing.entries {
                let path = directory.appending(entry.name)
                if isDirectory(entry, path) {
                    walk(path, components, index, above + [listing.id], &visited, &found, enter)
                } else if isLast {
                    add(path, known: entry.kind, &found, enter)
                }
            }
        }
    }

    private func isDirectory(_ entry: DirectoryEntry, _ path: ByteString) -> Bool {
        switch entry.kind {
        case .directory: true
        case .regular, .other: false
        case .link, nil: (try? System.status(of: path))?.kind == .directory
        }
    }

    private mutating func add(
        _ path: ByteString, known: FileStatus.Kind?, _ found: inout [ByteString: Match], _ enter: (ByteString) -> Void
    ) {
        if found[path] != nil { return }
        do {
            if let match = try Self.look(at: path, known: known) {
                if let real = match.real { step(into: real.parent, enter) }
                found[path] = match
            }
        } catch {
            if error.isMissing {
                if known == nil { watchAncestor(of: path, enter) }
            } else {
                problems.append(error)
            }
        }
    }

    /// The regular file that `path` leads to; nil for anything else: FIFOs, devices, directories.
    static func look(at path: ByteString, known: FileStatus.Kind? = nil) throws(SystemError) -> Match? {
        var isLink = known == .link
        if known == nil { isLink = try System.status(of: path, followingLinks: false).kind == .link }
        let status = try System.status(of: path)
        guard status.kind == .regular else { return nil }
        return Match(path: path, status: status, real: isLink ? System.resolved(path) : nil)
    }
}
