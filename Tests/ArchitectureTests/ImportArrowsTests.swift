import Glibc
import Testing

/// The table of `docs/architecture.md`: a module imports what its row lists, plus Bytes and LogModel, and nothing
/// further down. A forbidden arrow is easier to refuse than to remove.
@Suite struct ImportArrowsTests {
    static let ground: Set = ["Bytes", "LogModel"]
    /// Toolchain modules that any module may use.
    static let toolchain: Set = ["Glibc", "Synchronization", "Dispatch", "FoundationEssentials"]

    static let rows: [(module: String, imports: Set<String>)] = [
        ("Bytes", ["CKernels", "CZlib", "CZstd", "CBzip2", "CSnappy"]),
        ("LogModel", ["Bytes"]),
        ("Metrics", []),
        ("Disk", []),
        ("LogQL", []),
        ("LokiWire", []),
        ("LogSources", ["Disk", "CSystemd"]),
        ("LogStages", []),
        ("Redaction", []),
        ("LogPipeline", ["LogStages", "Redaction", "LogQL", "Metrics"]),
        ("LogShipping", ["LokiWire", "Disk", "Metrics", "AsyncHTTPClient", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL"]),
        ("LogStore", ["Disk", "Metrics"]),
        ("LogQuery", ["LogQL", "LogStages", "Metrics"]),
        (
            "LogServer",
            [
                "LokiWire", "LogQuery", "LogPipeline", "LogQL", "Metrics", "Hummingbird", "HummingbirdCore", "HTTPTypes",
                "Logging", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket", "NIOHTTPTypes", "ServiceLifecycle",
            ]
        ),
        (
            "LogConfig",
            [
                "CYaml", "LogQL", "LogSources", "LogStages", "Redaction", "LogPipeline", "LogShipping", "LogStore",
                "LogQuery", "LogServer",
            ]
        ),
        (
            "LogService",
            [
                "Metrics", "Disk", "LogQL", "LokiWire", "LogSources", "LogStages", "Redaction", "LogPipeline",
                "LogShipping", "LogStore", "LogQuery", "LogServer", "LogConfig", "AsyncHTTPClient", "Logging", "NIOCore",
                "ServiceLifecycle", "NIOHTTP1", "NIOPosix", "NIOSSL", "UnixSignals",
            ]
        ),
        ("tailrace", ["LogService", "ArgumentParser"]),
    ]

    @Test(arguments: rows.map(\.module))
    func importsPointDownTheFlow(module: String) throws {
        let row = try #require(Self.rows.first { $0.module == module })
        let allowed = row.imports.union(Self.ground).union(Self.toolchain)
        let files = SourceTree.swiftFiles(under: "Sources/\(module)")
        try #require(!files.isEmpty, "no sources of \(module)")
        for file in files {
            for (line, name) in SourceTree.imports(of: file) where name != module {
                #expect(allowed.contains(name), "\(file):\(line): \(module) must not import \(name)")
            }
        }
    }

    /// Calls that end the process or run patterns without a time bound.
    @Test(arguments: ["fatalError(", "try! ", " as! ", "NSRegularExpression", "import Foundation\n", "import RegexBuilder"])
    func sourcesDoNotUse(_ word: String) {
        for module in Self.rows.map(\.module) {
            for file in SourceTree.swiftFiles(under: "Sources/\(module)") {
                #expect(!SourceTree.code(of: file).contains(word), "\(file) uses \(word)")
            }
        }
    }
}

/// The checkout that the tests were built from.
enum SourceTree {
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    static func swiftFiles(under folder: String) -> [String] {
        guard let directory = opendir("\(root)/\(folder)") else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(".") { continue }
            if name.hasSuffix(".swift") {
                found.append("\(folder)/\(name)")
            } else if entry.pointee.d_type == UInt8(DT_DIR) {
                found += swiftFiles(under: "\(folder)/\(name)")
            }
        }
        return found.sorted()
    }

    static func text(of file: String) -> String {
        guard let handle = fopen("\(root)/\(file)", "r") else { return "" }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, handle)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The text without comment lines.
    static func code(of file: String) -> String {
        text(of: file).split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            .joined(separator: "\n")
    }

    static func imports(of file: String) -> [(line: Int, module: String)] {
        var found: [(Int, String)] = []
        for (index, line) in text(of: file).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            var words = line.split(separator: " ")
            while let first = words.first, first.hasPrefix("@") || ["package", "public", "internal", "private"].contains(first) {
                words.removeFirst()
            }
            guard words.count >= 2, words[0] == "import" else { continue }
            let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
            let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            found.append((index + 1, String(name.split(separator: ".")[0])))
        }
        return found
    }
}
