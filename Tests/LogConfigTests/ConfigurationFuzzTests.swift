import LogConfig
import Testing

/// Bent files: an error or a configuration, never a trap, and every error with a place inside the file.
@Suite struct ConfigurationFuzzTests {
    private static let seeds = [
        """
        server: {http_listen_port: 9080, log_level: info}
        positions: {filename: /tmp/p.yaml, sync_period: 5s}
        clients:
          - &c {url: 'http://u:p@h:3100/x', batchwait: 1s, external_labels: {a: b}}
          - {<<: *c, name: second, tenant_id: t}
        store: {dir: x, codec: zstd, retention: {age: 7d, size: 1gb}}
        redaction: {mode: mask, detectors: [email]}
        """,
        """
        scrape_configs:
          - job_name: a
            static_configs: [{targets: [localhost], labels: {job: a, __path__: "/x/{a,b}/*.log"}}]
            relabel_configs:
              - {source_labels: [a, b], regex: '(.*);x', target_label: c, replacement: $1, action: replace}
            pipeline_stages:
              - json: {expressions: {level: , m: 'a.b[0]'}, source: x}
              - regex: {expression: '^(?P<a>[a-z]+)'}
              - match: {selector: '{job="a"} |= "x"', stages: [{labels: {level: }}, {drop: {source: a, longer_than: 8kb}}]}
              - metrics: {m: {type: Histogram, config: {buckets: [1, 2.5]}}}
              - timestamp: {source: t, format: RFC3339}
              - redact: {}
        """,
    ]

    private static let pieces = [
        "{", "}", "[", "]", ": ", "- ", "\n", "  ", "\t", "&a ", "*a", "<<: ", "!!str ", "'", "\"", "|\n", "#", "~",
        "%", "@", "\u{0}", "9999999999999999999",
        "-1", "1e999", "0x", "${X}", "\\", "---\n", "\u{FEFF}", "? ", ",", "null", "[[[[[[[[",
    ].map { Array($0.utf8) }

    @Test(arguments: 0..<4) func mutatedFiles(_ seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(1, sides)
        }
        for _ in 0..<400 {
            var bytes = Array(Self.seeds[roll(Self.seeds.count)].utf8)
            for _ in 0...roll(4) {
                let at = roll(bytes.count)
                switch roll(5) {
                case 0: bytes.replaceSubrange(at..<at, with: Self.pieces[roll(Self.pieces.count)])
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + 1 + roll(20)))
                case 2: bytes[at] = UInt8(truncatingIfNeeded: roll(256))
                case 3: bytes.removeSubrange(at...)
                default:
                    let from = roll(bytes.count)
                    bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + roll(60))], at: at)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            let lines = bytes.count(where: { $0 == 0x0A || $0 == 0x0D }) + bytes.count
            do throws(ConfigurationErrors) {
                _ = try ConfigurationLoader.parse(bytes, file: "f", variables: roll(2) == 0 ? { _ in "v: [" } : nil)
            } catch {
                #expect(!error.items.isEmpty)
                for item in error.items {
                    #expect(!item.message.isEmpty)
                    #expect(item.line >= 1 && item.line <= lines + 2 && item.column >= 1)
                }
            }
        }
    }
}
