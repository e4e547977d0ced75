import Bytes
import Glibc

/// What to do about a file that may not be read.
enum PermissionHint {
    /// A sentence with the command that grants access to whoever runs this.
    static func text(for error: SystemError) -> String {
        let user = name(of: geteuid())
        let path = error.path
        // The directory that stops us, if it is not the file itself.
        var blocked: ByteString?
        var directory = path.parent
        while directory.count > 1 {
            if directory.withCPath({ access($0, X_OK) }) != 0, errno == EACCES { blocked = directory }
            directory = directory.parent
        }
        if let blocked {
            return "\(error.words); let \(user) into the directory: setfacl -m u:\(user):rx \(quoted(blocked))"
        }
        if let status = try? System.status(of: path), status.mode & 0o040 != 0, let group = groupName(status.group),
            group != "root"
        {
            return "\(error.words); add \(user) to its group and restart: usermod -aG \(group) \(user)"
        }
        return "\(error.words); grant it to \(user): setfacl -m u:\(user):r \(quoted(path))"
    }

    // The forms without `_r` share one entry between all threads.

    private static func name(of user: uid_t) -> String {
        var entry = passwd()
        return text { room, count in
            var found: UnsafeMutablePointer<passwd>?
            return getpwuid_r(user, &entry, room, count, &found) == 0 && found != nil ? entry.pw_name : nil
        } ?? "\(user)"
    }

    private static func groupName(_ group: UInt32) -> String? {
        var entry = Glibc.group()
        return text { room, count in
            var found: UnsafeMutablePointer<Glibc.group>?
            return getgrgid_r(group, &entry, room, count, &found) == 0 && found != nil ? entry.gr_name : nil
        }
    }

    /// A name out of `ask`, which has 64 KiB to put it: a group lists all of its members there.
    private static func text(_ ask: (UnsafeMutablePointer<CChar>, Int) -> UnsafeMutablePointer<CChar>?) -> String? {
        var room = [CChar](repeating: 0, count: 64 << 10)
        return room.withUnsafeMutableBufferPointer { room in room.baseAddress.flatMap { ask($0, room.count) }.map { String(cString: $0) } }
    }

    /// For a shell: in single quotes where there is anything but plain characters.
    static func quoted(_ path: ByteString) -> String {
        let text = path.string
        let plain = text.utf8.allSatisfy { $0.isAlphanumeric || "/._-+:@".utf8.contains($0) }
        return plain ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
