import Bytes
import Glibc
import Testing

@testable import LogSources

/// Events of a directory with busy neighbours.
@Suite struct InotifyTests {
    /// A hundred files that nobody asked for cost as much as a hundred that somebody did.
    @Test func writesToOtherFilesAreLeftOutAndAllElseIsTold() throws {
        let folder = TemporaryDirectory()
        var inotify = try Inotify()
        var census = NameCensus()
        let ours = ByteString("/elsewhere/ours.log")
        census.add(ours)
        census.add(ours)
        census.remove(ours)
        for name in ["ours.log", "neighbour.log"] { folder.write(name, "1\n") }
        _ = try inotify.add(ByteString(folder.path))
        for _ in 0..<3 {
            folder.append("neighbour.log", "more\n")
            folder.append("ours.log", "more\n")
        }
        let writes = told(&inotify, census)
        #expect(writes == Array(repeating: "ours.log 2", count: 3))
        rename(folder("neighbour.log"), folder("neighbour.log.1"))
        let moves = told(&inotify, census)
        #expect(moves == ["neighbour.log 64", "neighbour.log.1 128"], "a name may be taken from a file, or given to one, that is read")
        census.remove(ours)
        folder.append("ours.log", "more\n")
        let forgotten = told(&inotify, census)
        #expect(forgotten.isEmpty)
    }

    private func told(_ inotify: inout Inotify, _ census: borrowing NameCensus) -> [String] {
        var events: [Inotify.Event] = []
        inotify.read(into: &events, writesTo: census)
        return events.map { "\($0.name.string) \($0.mask)" }
    }
}
