import Redaction
import Testing

@Suite struct PrivateKeyDetectorTests {
    static let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ"
    static func block(_ label: String, newline: String) -> String {
        "-----BEGIN \(label)-----\(newline)\(body)\(newline)\(body)\(newline)-----END \(label)-----"
    }

    @Test(arguments: [
        "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK",
        "ENCRYPTED PRIVATE KEY",
    ])
    func blocksAreFound(_ label: String) throws {
        let bench = try Bench(.privateKey)
        for newline in ["\n", "\\n", "\r\n", " "] {
            #expect(bench("a " + Self.block(label, newline: newline) + " b") == "a [REDACTED:private_key] b")
        }
        #expect(
            bench(#"{"k":""# + Self.block(label, newline: "\\n") + #"\n","x":1}"#)
                == #"{"k":"[REDACTED:private_key]\n","x":1}"#
        )
    }

    @Test func cutBlockGoesToTheEnd() throws {
        let bench = try Bench(.privateKey)
        #expect(bench("x -----BEGIN RSA PRIVATE KEY-----\\n" + Self.body) == "x [REDACTED:private_key]")
        #expect(bench(#"{"k":"-----BEGIN PRIVATE KEY-----\nabc","x":1}"#) == #"{"k":"[REDACTED:private_key]","x":1}"#)
    }

    @Test func publicPartsStay() throws {
        let bench = try Bench(.privateKey)
        for label in ["PUBLIC KEY", "CERTIFICATE", "CERTIFICATE REQUEST"] {
            let text = Self.block(label, newline: "\n")
            #expect(bench(text) == text)
        }
        #expect(bench("-----BEGIN ") == "-----BEGIN ")
    }

    @Test func puttyKeysAreFound() throws {
        #expect(
            try Bench(.privateKey)("Public-Lines: 2\\nAAAA\\nPrivate-Lines: 2\\nAAAB\\nBBBB\\nPrivate-MAC: 00")
                == "Public-Lines: 2\\nAAAA\\n[REDACTED:private_key]Private-MAC: 00"
        )
    }
}
