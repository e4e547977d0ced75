import Bytes
import Testing

@testable import LogStages

@Suite struct DigestsTests {
    /// Examples of the standards, and lengths around the ends of blocks.
    @Test(arguments: [
        (
            "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
        ),
        (
            "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
        ),
        (
            String(repeating: "a", count: 135), "dfa58dfd72f3c7080d0249a7758fd3636872f63fa24b18473ed36f031e248347",
            "8094bb53c44cfb1e67b7c30447f9a1c33696d2463ecc1d9c92538913392843c9"
        ),
        (
            String(repeating: "a", count: 136), "6f0e44b9ce4ea61d52a3479c10f60ef916937f799f11964b7f1c7771063905c4",
            "3fc5559f14db8e453a0a3091edbd2bc25e11528d81c66fa570a4efdcc2695ee1"
        ),
    ])
    func digests(text: String, sha2: String, sha3: String) {
        #expect(Digests.hex(Digests.sha256(Array(text.utf8))).string == sha2)
        #expect(Digests.hex(Digests.sha3(Array(text.utf8))).string == sha3)
    }

    /// Queries know only what Loki knows.
    @Test func collectorFunctionsAreNotOfQueries() throws {
        #expect(throws: StageError.self) { try Template(#"{{ Hash "a" "b" }}"#, name: "line") }
        _ = try Template(#"{{ Hash "a" "b" }}"#, name: "pipeline_template", dialect: .collector)
    }
}
