import Bytes
import Disk
import LogModel
import LogStages
import LogStore
import LogTestKit
import Metrics
import Testing

/// Regexes asked of columns against the regex on the line: borders of literals and values, both cases, classes.
@Suite struct RegexColumnTests {
    private func line(_ random: inout SeededRandom, _ i: Int) -> String {
        switch random.below(6) {
        case 0: return "worker \(random.below(9)) took \(random.below(2000)) ms, user_\(random.below(20))7 é"
        case 1: return #"{"a":"INFO","b":"","c":"k\#(random.below(9))"}"#
        case 2: return #"{"n":\#(random.below(99)),"n":\#(random.below(99)),"x":[1,"ERROR"]}"#
        default:
            let id = String((random.next() | 1 << 63), radix: 16)
            return #"{"level":"\#(random.chance(0.7) ? "INFO" : "ERROR")", "id":"req_\#(id)", "ms":\#(random.below(9000)), "#
                + #""user_id":"user_\#(random.below(400))", "r":0.\#(random.below(90) + 10), "#
                + #""msg":"took \#(random.below(9999)) of \#(i) stepſ \#(random.below(3))K", "ok":\#(random.chance(0.5))}"#
        }
    }

    private static let atoms = [
        "user_", "1", "[0-9]+", "7\"", "\"", ":", ",", "\\d", "\\w+", "[^\"]*", "[^a-z]", "(a|e|i)", "ms", "\": ?", "ERR",
        "INFO", "[A-Z]{2,4}", "x?", "req_[0-9a-f]", "s", "K", "steps", "took ", "\\s", ".", "^", "$", "\\b", "(?i)", "é",
        "[é-ü]", "[[:digit:]]", "\\.", "0\\.[1-5]", "true|false", "{", "}", "[,:]", "\\{", "", "[\\d:]", "[a\\-z]", "|",
    ]

    @Test(arguments: 0..<4) func everyRegexFindsWhatItFindsInLines(seed: UInt64) async throws {
        var random = SeededRandom(seed + 900)
        var settings = StoreSettings(directory: "data")
        settings.freeSpaceMin = 0
        settings.retentionShare = 0
        let store = try LogStore.open(settings, disk: SimDisk(), registry: Registry(), clock: ManualClock())
        var batch = WriteBatch(tenant: .fake)
        batch.key = BatchKey(client: "test", epoch: 1, sequence: 1)
        let stream = batch.stream(Labels(["a": "b"]))
        let lines = (0..<600).map { line(&random, $0) }
        for (i, line) in lines.enumerated() {
            line.withView { batch.add(timestamp: Int64(i), stream: stream, line: $0) }
        }
        _ = try await store.append(batch)
        try await store.flush()
        var asked = 0
        var settled = 0
        for _ in 0..<400 {
            let pattern = (0..<1 + random.below(4)).map { _ in Self.atoms[random.below(Self.atoms.count)] }.joined()
            guard let plain = try? CompiledRegex(pattern),
                let filter = try? LineFilter(.matches, [.text(ByteString(pattern))]),
                let predicate = filter.predicate, case .lineMatches = predicate
            else { continue }
            asked += 1
            var sure: [Int] = []
            var open: [Int] = []
            try store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [], predicate: predicate)) { block in
                for row in 0..<block.count {
                    if block.selected[row] { sure.append(Int(block.timestamps[row])) }
                    if block.undecided[row] { open.append(Int(block.timestamps[row])) }
                }
                return .more
            }
            if open.isEmpty { settled += 1 }
            let expected = lines.indices.filter { i in lines[i].withView { plain.matches($0) } }
            #expect(Set(sure).isSubset(of: expected), "\(pattern)")
            #expect(Set(expected).isSubset(of: sure + open), "\(pattern)")
        }
        // Else this would test nothing.
        #expect(asked > 100 && settled > asked / 4)
        await store.close()
    }
}
