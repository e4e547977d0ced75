import Bytes
import LogModel

/// Which positions are of files that will not come back: first read a week ago or earlier, and now neither their path nor, under any name,
/// their inode is in that directory. Of containers nothing is known here: one that is silent for a week is still there.
struct GoneFiles {
    /// Nanoseconds since 1970.
    var now: Int64

    private static let ageMin: Int64 = 7 * 86_400_000_000_000

    /// O(positions + entries of their directories).
    func among(_ sources: [(source: ByteString, path: ByteString)]) -> [(source: ByteString, path: ByteString)] {
        var directories: [ByteString: Directory] = [:]
        return sources.filter { source, path in
            guard let (inode, born) = Self.identity(source), path.bytes.first == ByteString.slash, now &- born >= Self.ageMin else { return false }
            do throws(SystemError) {
                _ = try System.status(of: path, followingLinks: false)
                return false
            } catch { guard error.isMissing else { return false } }
            let parent = path.parent
            let directory = directories[parent] ?? Directory(parent)
            directories[parent] = directory
            return directory.isGone(inode)
        }
    }

    private static func identity(_ source: ByteString) -> (inode: UInt64, born: Int64)? {
        if let key = FileSourceKey(source) { return (key.id.inode, Int64(clamping: key.born)) }
        return ArchiveKey(source).map { ($0.id.inode, Int64(clamping: $0.born)) }
    }

    /// Of a path that is gone.
    private enum Directory {
        /// Inodes in it.
        case there(Set<UInt64>)
        /// It is gone too, and the first directory above it that is there holds something.
        case gone
        /// It cannot be read, or there is nothing in it: a file system that is not mounted looks like that.
        case unknown

        init(_ path: ByteString) {
            do throws(SystemError) {
                let entries = try System.list(path).entries
                self = entries.isEmpty ? .unknown : .there(Set(entries.map(\.inode)))
            } catch {
                guard error.isMissing, path.count > 1 else {
                    self = .unknown
                    return
                }
                if case .unknown = Directory(path.parent) { self = .unknown } else { self = .gone }
            }
        }

        func isGone(_ inode: UInt64) -> Bool {
            switch self {
            case .there(let inodes): !inodes.contains(inode)
            case .gone: true
            case .unknown: false
            }
        }
    }
}
