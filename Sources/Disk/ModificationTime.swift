import Glibc

package enum ModificationTime {
    /// When the file was last written, seconds since 1970; nil where there is none.
    package static func of(_ path: String) -> Int? {
        var info = stat()
        guard stat(path, &info) == 0 else { return nil }
        return info.st_mtim.tv_sec
    }
}
