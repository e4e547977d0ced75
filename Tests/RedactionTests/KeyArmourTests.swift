import Bytes
import Redaction
import Testing

/// Private keys that are printed as they stand in files, one line of the log for each line of the key.
@Suite struct KeyArmourTests {
    private struct Source {
        let bench: Bench
        var armour = KeyArmour()

        mutating func callAsFunction(_ line: String) -> String {
            let out = ByteArena()
            let outcome = line.withView { bench.redactor.redact($0, bench.scratch, into: out, armour: &armour) }
            return outcome == .clean ? line : out.view.string
        }
    }

    private static let body = "MIIEowIBAAKCAQEAx7eGgqzJxfB4l3n5p8QmZ0u2W1yT9vKcRrDdLhSeUaIoPkJb"
    private static let mask = "[REDACTED:private_key]"

    @Test(arguments: ["", "2026-11-22T08:00:00Z app[7]: ", "INFO "]) func linesOfAKeyGo(_ front: String) throws {
        var source = Source(bench: try Bench())
        #expect(source(front + "loading") == front + "loading")
        #expect(source(front + "-----BEGIN RSA PRIVATE KEY-----") == front + Self.mask)
        #expect(source("Proc-Type: 4,ENCRYPTED") == "Proc-Type: 4,ENCRYPTED")
        #expect(source("") == "")
        for _ in 0..<20 { #expect(source(front + Self.body) == front + Self.mask) }
        #expect(source(front + "Qw9zYp0aBcDeFgHi8A==") == front + Self.mask)
        #expect(source("-----END RSA PRIVATE KEY-----") == "-----END RSA PRIVATE KEY-----")
        #expect(!source.armour.isOpen)
        #expect(source(Self.body) == Self.body)
    }

    @Test func linesOfJSONAndWhatStandsBetween() throws {
        var source = Source(bench: try Bench())
        #expect(source(#"{"log":"-----BEGIN OPENSSH PRIVATE KEY-----\n"}"#) == #"{"log":"\#(Self.mask)"}"#)
        #expect(source(#"{"log":"\#(Self.body)\n"}"#) == #"{"log":"\#(Self.mask)\n"}"#)
        #expect(source("GET /v1/models 200 from alice@example.com") == "GET /v1/models 200 from [REDACTED:email]")
        #expect(source(#"{"log":"\#(Self.body)"}"#) == #"{"log":"\#(Self.mask)"}"#)
        #expect(source(#"{"log":"-----END OPENSSH PRIVATE KEY-----\n"}"#) == #"{"log":"-----END OPENSSH PRIVATE KEY-----\n"}"#)
        #expect(source(Self.body) == Self.body)
    }

    @Test func puttyAndWholeKeys() throws {
        var source = Source(bench: try Bench())
        #expect(source("Private-Lines: 2") == Self.mask)
        #expect(source(Self.body) == Self.mask)
        #expect(source("Private-MAC: x") == "Private-MAC: x")
        #expect(source(Self.body) == Self.body)
        // A key in one line, and a public one, begin nothing.
        _ = source("-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----")
        #expect(!source.armour.isOpen)
        _ = source("-----BEGIN PUBLIC KEY-----")
        #expect(!source.armour.isOpen)
    }

    @Test func aKeyWithoutAnEndIsForgotten() throws {
        var source = Source(bench: try Bench())
        _ = source("-----BEGIN EC PRIVATE KEY-----")
        for _ in 0..<KeyArmour.linesMax { #expect(source(Self.body) == Self.mask) }
        #expect(source(Self.body) == Self.body)
    }

    @Test func countsAndModes() throws {
        let bench = try Bench(RedactionSettings(detectors: [.privateKey], mode: .dropLine))
        var armour = KeyArmour()
        let out = ByteArena()
        for line in ["-----BEGIN PRIVATE KEY-----", Self.body] {
            let outcome = line.withView { bench.redactor.redact($0, bench.scratch, into: out, armour: &armour) }
            #expect(outcome == .dropped)
        }
        #expect(bench.scratch.counts[Int(Detector.privateKey.rawValue)] == 2)
    }
}
