import Bytes
import Testing

@testable import LogSources

@Suite struct GlobTests {
    struct Row: Sendable {
        var pattern: String
        var path: String
        var matches: Bool
        init(_ pattern: String, _ path: String, _ matches: Bool) {
            self.pattern = pattern
            self.path = path
            self.matches = matches
        }
    }

    @Test(arguments: [
        Row("/var/log/*.log", "/var/log/a.log", true),
        Row("/var/log/*.log", "/var/log/a/b.log", false),
        Row("/var/log/*.log", "/var/log/.log", true),
        Row("/var/log/*", "/var/log/.hidden", true),
        Row("/var/log/*.log", "/var/log/a.log.1", false),
        Row("/var/log/**/*.log", "/var/log/a.log", true),
        Row("/var/log/**/*.log", "/var/log/x/y/z/a.log", true),
        Row("/var/log/**", "/var/log/x/y", true),
        Row("/var/log/**", "/var/log/x", true),
        Row("/var/log/**.gz", "/var/log/x.gz", true),
        Row("/var/log/**.gz", "/var/log/d/x.gz", false),
        Row("/var/**/log/**/a", "/var/x/log/y/z/a", true),
        Row("/var/**/log/**/a", "/var/log/a", true),
        Row("/var/**/log/**/a", "/var/x/log/y/z/b", false),
        Row("/a/?.log", "/a/x.log", true),
        Row("/a/?.log", "/a/é.log", true),
        Row("/a/?.log", "/a/xy.log", false),
        Row("/a/?.log", "/a/.log", false),
        Row("/a/[abc].log", "/a/b.log", true),
        Row("/a/[a-c]x", "/a/bx", true),
        Row("/a/[a-c]x", "/a/dx", false),
        Row("/a/[^a-c]x", "/a/dx", true),
        Row("/a/[!a-c]x", "/a/bx", false),
        Row("/a/[\\]]x", "/a/]x", true),
        Row("/a/[а-я]", "/a/ж", true),
        Row("/a/{b,c*}.log", "/a/b.log", true),
        Row("/a/{b,c*}.log", "/a/cdef.log", true),
        Row("/a/{b,c*}.log", "/a/d.log", false),
        Row("/a/{b/c,d}/e", "/a/b/c/e", true),
        Row("/a/{b{1,2},c}", "/a/b2", true),
        Row("/a/{b{1,2},c}", "/a/b", false),
        Row("/a/x{,.log}", "/a/x", true),
        Row("/a/\\*", "/a/*", true),
        Row("/a/\\*", "/a/b", false),
        Row("/a/\\{b\\}", "/a/{b}", true),
        Row("/a//b/./c", "/a/b/c", true),
        Row("/a/*b*c*d", "/a/xxbxxcxxbd", true),
        Row("/a/*b*c*d", "/a/xxbxxcxxb", false),
        Row("/a/b", "/a/b", true),
        Row("/a/[x", "/a/[x", false),
    ])
    func matching(_ row: Row) {
        let glob = try? Glob(ByteString(row.pattern))
        #expect((glob?.matches(ByteString(row.path)) ?? false) == row.matches)
    }

    @Test(arguments: [
        ("", "empty"), ("/a/[x", "`[` without `]`"), ("/a/{b", "`{` without `}`"), ("/a/b}", "`}` without `{`"),
        ("/a/\\", "at the end"), ("/a/[]", "`[]`"), ("/a/[z-a]", "backwards"),
        ("/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "combinations"),
    ])
    func refused(_ pattern: String, _ words: String) {
        #expect { try Glob(ByteString(pattern)) } throws: { "\($0)".contains(words) }
    }

    @Test func starsTakeNoExponentialTime() throws {
        let glob = try Glob(ByteString("/" + String(repeating: "*a", count: 60) + "b"))
        #expect(!glob.matches(ByteString("/" + String(repeating: "a", count: 2000))))
        let deep = try Glob(ByteString(String(repeating: "/**/a", count: 40) + "/b"))
        #expect(!deep.matches(ByteString(String(repeating: "/a", count: 500))))
    }

    @Test func relativePatternsBeginInTheWorkingDirectory() throws {
        let glob = try Glob("logs/*.log", workingDirectory: "/srv")
        #expect(glob.matches("/srv/logs/a.log"))
        #expect(!glob.matches("/logs/a.log"))
    }

    @Test func expansionAgreesWithMatching() throws {
        let directory = TemporaryDirectory()
        for name in ["a", "a/b", "a/b/c", "d"] { directory.make(name) }
        let files = ["x.log", "a/x.log", "a/y.txt", "a/b/x.log", "a/b/c/z.log", "d/[odd].log", "d/.hidden.log"]
        for file in files { directory.write(file, "") }
        for pattern in ["*.log", "**/*.log", "a/*", "a/**", "**", "{a,d}/*.log", "a/b/../x.log", "d/[odd].log", "*/*/x.log"] {
            let glob = try Glob(ByteString(directory(pattern)))
            var expansion = GlobExpansion()
            let found = expansion.files(of: glob).map(\.path.string)
            if !pattern.contains("..") {
                #expect(found == files.map { directory($0) }.filter { glob.matches(ByteString($0)) }.sorted(), "\(pattern)")
            } else {
                #expect(found == [directory("a/b/../x.log")])
            }
        }
    }

    @Test func linksAreFollowedAndLoopsEnd() throws {
        let directory = TemporaryDirectory()
        directory.make("real")
        directory.write("real/x.log", "")
        directory.link(directory("real"), "link")
        directory.link(directory.path, "real/up")
        directory.link("nowhere", "real/dead.log")
        var expansion = GlobExpansion()
        let shallow = expansion.files(of: try Glob(ByteString(directory("link/*.log"))))
        #expect(shallow.map(\.path.string) == [directory("link/x.log")])
        let deep = expansion.files(of: try Glob(ByteString(directory("**/x.log"))))
        #expect(deep.contains { $0.path.string == directory("real/x.log") })
        #expect(deep.count < 10)
    }
}
