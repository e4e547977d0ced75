import Bytes
import Glibc

/// What a process of ours sets up before anything else.
package enum ServiceProcess {
    package static func prepare() { ProcessMemory.returnsLargeBuffers() }

    /// For whoever has what is to be redacted in memory. `TAILRACE_CORE_DUMPS=1` keeps the images, for who hunts a crash.
    static func keepsSecrets() {
        if getenv("TAILRACE_CORE_DUMPS").map({ String(cString: $0) }) != "1" { ProcessMemory.isNeverDumped() }
    }

    /// Where this program lies.
    package static var binary: String {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count)
        guard count > 0 else { return "tailrace" }
        return String(decoding: path.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
