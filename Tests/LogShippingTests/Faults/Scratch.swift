import Bytes
import Disk
import Glibc

/// A directory of a test, removed with it.
final class Scratch: Sendable {
    let directory: String

    init() throws {
        var template = Array("/tmp/tailrace-shipping-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw DiskError(.makeDirectory, "/tmp", errno) }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        let disk = PosixDisk()
        for name in (try? disk.list(directory)) ?? [] { try? disk.unlink(path(name)) }
        rmdir(directory)
    }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func write(_ name: String, _ text: String) {
        let bytes = Array(text.utf8)
        bytes.withView { view in try? PosixDisk().atomicReplace(path(name), with: view) }
    }

    func read(_ name: String) -> String {
        guard let bytes = try? PosixDisk().contents(of: path(name)) else { return "" }
        return withExtendedLifetime(bytes) { bytes.view.string }
    }

    func mode(_ name: String) -> Int {
        var info = stat()
        return stat(path(name), &info) == 0 ? Int(info.st_mode & 0o777) : -1
    }
}
