import Bytes

extension KnownPositions {
    /// Under which names, as first seen, the file at `path` was read before: those of positions with its inode number whose mark it still
    /// holds. An inode number alone says nothing: whoever comes after a deleted file may get it, a key in the same directory too.
    func formerNames(of path: ByteString, _ status: FileStatus) -> [ByteString] {
        let same = all(inode: status.id.inode).filter { max($0.offset, $0.mark.markerEnd ?? 0) > 0 && $0.mark.fingerprint.length > 0 }
        guard !same.isEmpty, let file = try? System.open(path) else { return [] }
        defer { System.close(file) }
        return same.filter {
            guard $0.key.id.device == status.id.device || $0.mark.fingerprint.length >= 256 else { return false }
            return (try? $0.mark.holds(file, size: status.size, offset: $0.offset, path)) ?? false
        }.map(\.mark.path)
    }
}
