import Bytes
import Disk
import Glibc
import LogModel
import LogSources
import Testing

@testable import LogService
@testable import LogShipping

/// After a kill the positions file is a second behind the spool: lines came twice.
@Suite struct SpoolPositionsTests {
    private static func folder() throws -> String {
        var template = Array("/tmp/tailrace-positions-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func spool(_ folder: String, _ name: String, _ advances: [(String, UInt64)]) throws -> Spool {
        let settings = SpoolSettings(directory: "\(folder)/\(name)")
        let spool = try Spool(settings, report: { _ in })
        for (source, offset) in advances {
            let advance = Spool.Advance(
                source: ByteString(source), path: "/\(source).log", to: SourcePosition(offset: offset, detail: ByteString("m\(offset)")))
            #expect(spool.append([advance], [], []) == .stored)
        }
        spool.close()
        return try Spool(settings, report: { _ in })
    }

    private static func remove(_ folder: String) {
        let disk = PosixDisk()
        for name in (try? disk.list(folder)) ?? [] {
            let path = "\(folder)/\(name)"
            for inner in (try? disk.list(path)) ?? [] { try? disk.unlink("\(path)/\(inner)") }
            if rmdir(path) != 0 { unlink(path) }
        }
        rmdir(folder)
    }

    @Test func theSpoolIsAheadOfTheFileAndNeverBehindIt() throws {
        let folder = try Self.folder()
        defer { Self.remove(folder) }
        let file = PositionsFile(path: "\(folder)/positions.yaml")
        file.set("a", path: "/a.log", SourcePosition(offset: 100))
        file.set("b", path: "/b.log", SourcePosition(offset: 900))
        let spool = try Self.spool(folder, "one", [("a", 200), ("b", 300), ("a", 250)])
        SpoolPositions.adopt([spool], into: file)
        #expect(file.position(of: "a") == SourcePosition(offset: 250, detail: "m250"))
        #expect(file.position(of: "b")?.offset == 900, "a spool that was not used for a while knows old positions")
    }

    @Test func allRequiredClientsMustHaveIt() throws {
        let folder = try Self.folder()
        defer { Self.remove(folder) }
        let file = PositionsFile(path: "\(folder)/positions.yaml")
        let one = try Self.spool(folder, "one", [("a", 200), ("b", 300)])
        let two = try Self.spool(folder, "two", [("a", 150)])
        SpoolPositions.adopt([one, nil], into: file)
        #expect(file.position(of: "a") == nil, "the other has no spool: nobody knows what it has")
        SpoolPositions.adopt([one, two], into: file)
        #expect(file.position(of: "a")?.offset == 150 && file.position(of: "b") == nil)
    }

    /// Whoever removes the positions file begins anew.
    @Test func withoutAPositionsFileTheSpoolIsNotAsked() throws {
        let folder = try Self.folder()
        defer { Self.remove(folder) }
        #expect(SpoolPositions.isAnew("\(folder)/positions.yaml"))
        #expect(!SpoolPositions.isAnew("\(folder)/positions.yaml"), "from now on it is there, whenever the process is killed")
        #expect(PositionsFile(path: "\(folder)/positions.yaml").position(of: "a") == nil)
    }
}
