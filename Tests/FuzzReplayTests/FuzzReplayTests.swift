import Bytes
import FuzzTargets
import Glibc
import Testing

/// What `make fuzz` has found, and what its search begins with, goes through every target again: a case that was mended
/// stays mended, without a special build.
@Suite struct FuzzReplayTests {
    @Test(arguments: FuzzTarget.all.map(\.name)) func seedsAndFoundCasesHold(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = Folder.files("Seeds/\(name)")
        try #require(!seeds.isEmpty, "no seeds of \(name)")
        for file in seeds + Folder.files("FailCases/\(name)") {
            let bytes = try #require(Folder.bytes(of: file))
            do {
                try bytes.withView { view throws(FuzzTarget.Breach) in try target.run(view) }
            } catch {
                Issue.record("\(file): \(error)")
            }
        }
    }

    /// A folder whose name no target has would never be replayed.
    @Test(arguments: ["Seeds", "FailCases"]) func foldersBelongToTargets(folder: String) {
        #expect(Set(Folder.names(folder)).isSubset(of: FuzzTarget.all.map(\.name)))
    }

    /// The ends of the range of lengths.
    @Test func emptyAndLongInputsHold() throws {
        let long = [UInt8](repeating: UInt8(ascii: "{"), count: 1 << 16)
        for target in FuzzTarget.all {
            try [UInt8]().withView { view throws(FuzzTarget.Breach) in try target.run(view) }
            try long.withView { view throws(FuzzTarget.Breach) in try target.run(view) }
        }
    }
}

/// `Tests/Fuzz` of the checkout that the tests were built from.
private enum Folder {
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(2)
        return parts.joined(separator: "/") + "/Fuzz"
    }()

    /// Entries of a folder, sorted; none where it does not exist.
    static func names(_ folder: String) -> [String] {
        guard let directory = opendir("\(root)/\(folder)") else { return [] }
        defer { closedir(directory) }
        var found: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { found.append(name) }
        }
        return found.sorted()
    }

    static func files(_ folder: String) -> [String] { names(folder).map { "\(folder)/\($0)" } }

    static func bytes(of file: String) -> [UInt8]? {
        guard let handle = fopen("\(root)/\(file)", "r") else { return nil }
        defer { fclose(handle) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, handle)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}
