import Glibc

/// Who listens on a port, for the error that says so: the kernel's socket tables and the descriptors of processes.
package enum PortHolder {
    /// "port 3100 is taken by loki (pid 1234)", or what can be said with less rights.
    package static func describe(port: Int) -> String {
        let inodes = listeners().filter { $0.port == port }.map(\.inode)
        guard !inodes.isEmpty else { return "port \(port) is taken" }
        guard let pid = process(holding: Set(inodes)) else {
            return "port \(port) is taken by a process of another user"
        }
        let name = text(of: "/proc/\(pid)/comm").split(separator: "\n").first.map(String.init) ?? "a process"
        return "port \(port) is taken by \(name) (pid \(pid))"
    }

    /// The first port above `port` on which nobody listens.
    package static func free(above port: Int) -> Int {
        let taken = Set(listeners().map(\.port))
        return ((port + 1)..<65_536).first { !taken.contains($0) } ?? 0
    }

    struct Listener: Equatable {
        var port: Int
        var inode: UInt64
    }

    private static func listeners() -> [Listener] {
        parse(text(of: "/proc/net/tcp")) + parse(text(of: "/proc/net/tcp6"))
    }

    /// Rows of `/proc/net/tcp` in state 0A (LISTEN): `sl local_address rem_address st … inode` by columns.
    static func parse(_ table: String) -> [Listener] {
        table.split(separator: "\n").dropFirst().compactMap { row in
            let columns = row.split(separator: " ", omittingEmptySubsequences: true)
            guard columns.count > 9, columns[3] == "0A",
                let port = columns[1].split(separator: ":").last.flatMap({ Int($0, radix: 16) }),
                let inode = UInt64(columns[9])
            else { return nil }
            return Listener(port: port, inode: inode)
        }
    }

    private static func process(holding inodes: Set<UInt64>) -> Int? {
        for entry in names(in: "/proc") {
            guard let pid = Int(entry) else { continue }
            for descriptor in names(in: "/proc/\(pid)/fd") {
                // "socket:[12345]"
                let target = link("/proc/\(pid)/fd/\(descriptor)")
                guard target.hasPrefix("socket:["), let inode = UInt64(target.dropFirst(8).dropLast()) else { continue }
                if inodes.contains(inode) { return pid }
            }
        }
        return nil
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func link(_ path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = buffer.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress?.assumingMemoryBound(to: CChar.self) else { return 0 }
            return readlink(path, start, room.count)
        }
        return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : ""
    }

    /// The start of a file of `/proc`, 1 MiB at most.
    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 1 << 20 {
            let length = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if length < 0, errno == EINTR { continue }
            guard length > 0 else { break }
            bytes.append(contentsOf: buffer[..<length])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
