import Glibc
import Synchronization
import Testing

/// The real binary, started on loopback and stopped by its pid.
final class TailraceProcess: Sendable {
    let pid: pid_t
    let log: String
    private let reaped = Mutex<Int32?>(nil)

    /// The binary beside the test bundle: `swift build --build-tests` makes both.
    static let binary: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let directory = own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        if access("\(directory)/tailrace", X_OK) == 0 { return "\(directory)/tailrace" }
        return "\(Checkout.root)/.build/release/tailrace"
    }()

    /// Starts `tailrace` with these arguments; what it prints goes to `log`. `environment`: `NAME=value`, in front of this process's own.
    /// `program`: another one than ours.
    init(_ arguments: [String], log: String, input: String = "/dev/null", environment: [String] = [], program: String = binary) throws {
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let own: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) }
        defer { for word in own { free(word) } }
        var variables = own
        var next = environ
        while let variable = next.pointee {
            variables.append(variable)
            next += 1
        }
        variables.append(nil)
        var child: pid_t = 0
        let status = posix_spawn(&child, program, &actions, nil, &words, &variables)
        guard status == 0 else { throw HarnessError("cannot start \(program): \(String(cString: strerror(status)))") }
        pid = child
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Exit status, or 128 + signal. Blocks.
    @discardableResult
    func wait() -> Int32 {
        reaped.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
            known = code
            return code
        }
    }

    /// Whether it has ended, without blocking.
    var hasEnded: Bool {
        reaped.withLock { known in
            if known != nil { return true }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return false }
            known = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
            return true
        }
    }

    var output: String { Files.read(log) }

    deinit {
        if !hasEnded {
            kill(pid, SIGKILL)
            wait()
        }
    }

    /// Runs to the end; exit status and everything printed.
    static func run(
        _ arguments: [String], in folder: Scratch, name: String = "run", input: String = "/dev/null"
    ) throws -> (status: Int32, output: String) {
        let log = folder.path("\(name)-\(Scratch.number()).log")
        let process = try TailraceProcess(arguments, log: log, input: input)
        let status = process.wait()
        return (status, Files.read(log))
    }
}

struct HarnessError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A server on a port of its own.
final class TailraceServer: Sendable {
    let process: TailraceProcess
    let port: Int
    let data: String
    var url: String { "http://127.0.0.1:\(port)" }

    init(_ folder: Scratch, data: String? = nil, command: String = "serve", config: String? = nil, arguments: [String] = []) throws {
        self.data = data ?? folder.path("data-\(Scratch.number())")
        port = try FreePort.find()
        var words = [command, "--data", self.data, "--listen", "127.0.0.1:\(port)"]
        if let config { words += ["--config", config] }
        process = try TailraceProcess(words + arguments, log: folder.path("server-\(port).log"))
        try waitUntil("the server is ready") {
            if process.hasEnded { throw HarnessError("the server ended:\n\(process.output)") }
            return (try? HTTP.get(port, "/ready"))?.status == 200
        }
    }

    func stop(_ number: Int32 = SIGTERM) {
        process.signal(number)
        process.wait()
    }
}

/// A folder that goes away with the test.
final class Scratch: Sendable {
    let root: String
    private static let counter = Atomic<Int>(0)

    static func number() -> Int { counter.add(1, ordering: .relaxed).newValue }

    init() throws {
        var template = Array("/tmp/tailrace-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw HarnessError("no temporary folder: \(errno)") }
        root = String(cString: made)
    }

    func path(_ name: String) -> String { "\(root)/\(name)" }

    func write(_ name: String, _ text: String) -> String {
        Files.write(path(name), text)
        return path(name)
    }

    deinit { Files.removeTree(root) }
}

enum Files {
    static func read(_ path: String) -> String {
        String(decoding: bytes(path), as: UTF8.self)
    }

    static func bytes(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            all += chunk[..<count]
        }
        return all
    }

    static func write(_ path: String, _ text: String, append: Bool = false) {
        guard let file = fopen(path, append ? "a" : "w") else { return }
        defer { fclose(file) }
        fputs(text, file)
    }

    static func list(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func tree(_ path: String) -> [String] {
        list(path).flatMap { name in isDirectory("\(path)/\(name)") ? tree("\(path)/\(name)") : ["\(path)/\(name)"] }
    }

    static func removeTree(_ path: String) {
        for name in list(path) {
            let full = "\(path)/\(name)"
            if isDirectory(full) { removeTree(full) } else { unlink(full) }
        }
        // A path that is a file itself.
        if rmdir(path) != 0 { unlink(path) }
    }

    private static func isDirectory(_ path: String) -> Bool {
        let handle = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if handle >= 0 { close(handle) }
        return handle >= 0
    }
}

enum FreePort {
    static func find() throws -> Int {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard handle >= 0 else { throw HarnessError("no socket: \(errno)") }
        defer { close(handle) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port: Int? = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                guard bind(handle, raw, length) == 0, getsockname(handle, raw, &length) == 0 else { return nil }
                return Int(UInt16(bigEndian: pointer.pointee.sin_port))
            }
        }
        guard let port else { throw HarnessError("no free port: \(errno)") }
        return port
    }
}

/// Asks until it holds; a deadline far beyond any good run ends a broken one.
func waitUntil(_ what: String, seconds: Double = 60, _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try condition() { return }
        usleep(5_000)
    }
    throw HarnessError("waited \(seconds) s in vain until \(what)")
}

enum Checkout {
    static let root: String = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")

    /// Material that a fresh clone does not have; tests that use it skip without it.
    static let shared: String? = {
        let path = getenv("TAILRACE_SHARED").map { String(cString: $0) } ?? "\(root)/../shared"
        return access("\(path)/conformance/check.py", R_OK) == 0 ? path : nil
    }()

    static var isTorture: Bool { getenv("TAILRACE_TORTURE") != nil }
}
