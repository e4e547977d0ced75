import Glibc

/// A program that is run for its standard output. Standard error is shared, everything else is closed.
final class ChildProcess {
    private let pid: pid_t
    /// Its standard output, not blocking.
    let output: Int32

    init(_ path: String, _ arguments: [String]) throws(SystemError) {
        let (readable, writable) = try System.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, writable, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The collector's own handling of signals is not the child's.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, path, &actions, &attributes, &words, environ)
        Glibc.close(writable)
        if code != 0 {
            Glibc.close(readable)
            throw SystemError("run \(path)", code: code)
        }
        _ = fcntl(readable, F_SETFL, O_NONBLOCK)
        // As much as an unprivileged process may have: fewer turns between the two.
        _ = fcntl(readable, 1031, 1 << 20)  // F_SETPIPE_SZ
        pid = child
        output = readable
    }

    /// Ends it, if it has not ended, and says how: "exit status 3", "signal 7 (Bus error)".
    func end() -> String {
        kill(pid, SIGKILL)
        return wait()
    }

    /// Waits for it to end by itself, having closed its output.
    func wait() -> String {
        Glibc.close(output)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        if signal == 0 { return "exit status \((status >> 8) & 0xFF)" }
        return "signal \(signal) (\(String(cString: strsignal(signal))))"
    }
}
