import Bytes
import Testing

/// The kernels against their portable variants and against known values.
@Suite struct KernelTests {
    @Test func crc32cKnownValues() {
        // RFC 3720, appendix B.4.
        #expect([UInt8](repeating: 0, count: 32).withView { CRC32C.of($0) } == 0x8A91_36AA)
        #expect([UInt8](repeating: 0xFF, count: 32).withView { CRC32C.of($0) } == 0x62A8_AB43)
        #expect((0..<32).map { UInt8($0) }.withView { CRC32C.of($0) } == 0x46DD_794E)
    }

    @Test func crc32cVariantsAgreeAtEveryLengthAndSplit() {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<300).map { _ in UInt8.random(in: 0...255, using: &random) }
        bytes.withView { view in
            for length in 0..<view.count {
                let part = view.prefix(length)
                let whole = CRC32C.of(part)
                #expect(whole == CRC32C.portable(part))
                let cut = length / 3
                #expect(CRC32C.of(part.suffix(from: cut), seed: CRC32C.of(part.prefix(cut))) == whole)
            }
        }
    }

    @Test func regexSearchesAndNamesGroups() throws {
        let regex = try CompiledRegex("(?P<verb>GET|POST) (?P<path>\\S+)( extra)?")
        #expect(regex.groupNames == ["verb", "path", nil])
        ByteString("x GET /a/b y").withView { text in
            var groups: [Range<Int>?] = []
            #expect(regex.firstMatch(in: text, groups: &groups))
            #expect(groups[1].map { text[$0].string } == "GET")
            #expect(groups[2].map { text[$0].string } == "/a/b")
            #expect(groups[3] == nil)
            #expect(!regex.matchesFully(text))
        }
    }

    @Test(arguments: [
        ("(", "error parsing regexp: missing closing ): `(`"),
        ("a**", "error parsing regexp: invalid nested repetition operator: `**`"),
        ("[", "error parsing regexp: missing closing ]: `[`"),
        ("(?=x)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
    ])
    func badPatternsInGoWords(pattern: String, message: String) {
        do {
            _ = try CompiledRegex(pattern)
            Issue.record("accepted \(pattern)")
        } catch {
            #expect(error.description == message)
        }
    }

    /// Ten thousand groups took three gigabytes.
    @Test func groupsAreLimited() throws {
        #expect(try CompiledRegex(String(repeating: "(a)?", count: 1_000)).groupCount == 1_000)
        #expect(throws: RegexError.self) { try CompiledRegex(String(repeating: "(a)?", count: 1_001)) }
    }

    @Test func scannerReportsEnds() throws {
        let scanner = try LiteralScanner([
            .init(id: 7, text: "key"), .init(id: 8, text: "TOKEN", ignoresCase: true),
            .init(id: 9, text: "[0-9]{4}", isLiteral: false),
        ])
        let scratch = try LiteralScanner.Scratch(for: scanner)
        ByteString("a key, a token 1234").withView { text in
            #expect(scanner.scan(text, scratch))
            #expect(scratch.hits.map(\.id) == [7, 8, 9])
            #expect(scratch.hits.map(\.end) == [5, 14, 19])
        }
    }
}
