import Bytes
import Glibc
import LogConfig
import LogModel
import Redaction
import Testing

/// `redaction:` as it is written.
@Suite struct RedactionBlockTests {
    private func load(_ block: String) throws(ConfigurationErrors) -> RedactionSettings? {
        try ConfigurationLoader.parse(text: "redaction: \(block)", file: "t.yaml").redaction
    }

    private func mistake(_ block: String) -> String {
        do throws(ConfigurationErrors) {
            _ = try load(block)
            return ""
        } catch {
            return error.items.map { "\($0.message) (\($0.hint))" }.joined(separator: "\n")
        }
    }

    /// The path of a file with a key in it, which goes when the process ends.
    private func keyFile(_ text: String) throws -> String {
        let path = "/tmp/tailrace-key-\(getpid())-\(text.utf8.count)"
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
        return path
    }

    @Test func rulesHaveModes() throws {
        let settings = try #require(
            try load("{mode: partial, rules: [{detector: email, mode: mask}, {detector: ip, mode: truncate_ip}, {name: badge, regex: 'b(\\d+)', mode: drop_line}]}"))
        #expect(settings.mode == .partial)
        #expect(settings.detectors == Detector.defaults + [.ip])
        #expect(settings.modes == [.email: .mask, .ip: .truncateIP])
        #expect(settings.patterns == [.init(name: "badge", regex: #"b(\d+)"#, mode: .dropLine)])
    }

    @Test func namesInRulesAreAllThereIs() throws {
        #expect(try load("{rules: [email, card]}")?.detectors == [.email, .card])
        #expect(try load("{rules: [email, {detector: card, mode: partial}]}")?.detectors == [.email, .card])
        #expect(try load("{detectors: [email], rules: [{detector: card, mode: partial}]}")?.detectors == [.email, .card])
        #expect(try load("{rules: [{detector: card, mode: partial}]}")?.detectors == Detector.defaults)
        #expect(mistake("{detectors: [email], rules: [card]}").contains("in one place"))
    }

    @Test func keysComeFromFiles() throws {
        let path = try keyFile("0123456789abcdef0123\n")
        defer { unlink(path) }
        let settings = try #require(try load("{mode: pseudonym, keys: [{id: k1, file: \(path)}]}"))
        #expect(settings.keys == [.init(id: "k1", secret: Secret("0123456789abcdef0123"))])
        #expect(!"\(settings)".contains("0123456789abcdef"))
        #expect(mistake("{mode: pseudonym, keys: [{id: k1, file: /nowhere/at/all}]}").contains("cannot be opened"))
        #expect(mistake("{mode: pseudonym, keys: [{id: k1}]}").contains("`file` is missing"))
        let short = try keyFile("short")
        defer { unlink(short) }
        #expect(mistake("{mode: pseudonym, keys: [{id: k1, file: \(short)}]}").contains("less than 16 bytes"))
    }

    @Test func fieldsAndSets() throws {
        let settings = try #require(
            try load("{fields: [openinference, {set: openai, mode: drop_field}, {path: 'a[*].b', name: n, mode: char_mask}, {path: c}]}"))
        let own = settings.fields.suffix(2)
        #expect(Array(own) == [.init(path: "a[*].b", name: "n", mode: .charMask), .init(path: "c", name: "field", mode: nil)])
        #expect(settings.fields.count == FieldSet.openInference.paths.count + FieldSet.openai.paths.count + 2)
        #expect(settings.fields.filter { $0.name == "openai" }.allSatisfy { $0.mode == .dropField })
        #expect(mistake("{fields: [openal]}").contains("did you mean `openai`?"))
        #expect(mistake("{fields: [{mode: mask}]}").contains("`path` is missing"))
        #expect(mistake("{fields: [{path: 'a[0]'}]}").contains("every element"))
    }

    @Test func identifiersAndBudget() throws {
        let settings = try #require(try load("{identifiers: [ticket], budget: 50ms, except: [owner]}"))
        #expect(settings.identifiers == ["ticket"] && settings.budget == 50_000_000 && settings.except == ["owner"])
        #expect(try load("{}") == RedactionSettings())
    }

    /// A rule that cannot work stops the start, whatever the others do.
    @Test(arguments: [
        ("{mode: pseudonym}", "there is no key"), ("{mode: sha256}", "without a key"), ("{rules: [{detector: card, mode: md5}]}", "without a key"),
        ("{mode: truncate_ip}", "mode of one rule"), ("{rules: [{detector: email, mode: truncate_ip}]}", "for the detector `ip`"),
        ("{rules: [{name: x, regex: '('}]}", "rule `x`"), ("{rules: [{regex: 'a'}]}", "`name` is missing"), ("{rules: [{name: x}]}", "`regex` is missing"),
        ("{rules: [{name: x, regex: 'a*'}]}", "empty text"), ("{rules: [{name: email, regex: 'a'}]}", "already"),
        ("{rules: [{name: x, regex: a, detector: card}]}", "beside `detector`"), ("{rules: [{detector: shoe}]}", "unknown detector"), ("{detectors: []}", "is empty"),
    ])
    func mistakes(_ block: String, _ part: String) {
        #expect(mistake(block).contains(part), "\(mistake(block))")
        let stage = "scrape_configs: [{job_name: j, pipeline_stages: [{redact: \(block)}]}]"
        #expect(throws: ConfigurationErrors.self) { try ConfigurationLoader.parse(text: stage, file: "t.yaml") }
    }
}
