import Bytes
import Disk
import LogModel
import LogShipping
import LogSources

/// What spools know of positions: after a kill they are ahead of the positions file, which is written every few seconds.
///
/// A position moves only when every required client has the batch, so it is believed only where the spools of all of them
/// have it; the lowest one holds. It never moves back: a spool that was not used for a while knows old ones.
enum SpoolPositions {
    /// Before the first source starts. `spools`: of the required clients, nil for one without.
    static func adopt(_ spools: [Spool?], into file: PositionsFile) {
        guard let first = spools.first ?? nil, spools.allSatisfy({ $0 != nil }) else { return }
        for advance in first.advances {
            var lowest = advance
            var isKnownToAll = true
            for case let other? in spools.dropFirst() {
                guard let own = other.advances.first(where: { $0.source == advance.source }) else {
                    isKnownToAll = false
                    break
                }
                if own.to.offset < lowest.to.offset { lowest = own }
            }
            guard isKnownToAll, lowest.to.offset > file.position(of: advance.source)?.offset ?? 0 else { continue }
            file.set(lowest.source, path: lowest.path, lowest.to)
        }
    }

    /// Whoever removes the positions file begins anew, spools or not; so it has to be there before the first kill.
    static func isAnew(_ path: String, disk: any Disk = PosixDisk()) -> Bool {
        guard (try? disk.size(of: path)) == nil else { return false }
        let empty: StaticString = "positions: {}\n"
        try? disk.atomicReplace(path, with: ByteView(empty))
        return true
    }
}
