import Redaction
import Testing

/// Made up keys in the vendors' shapes. They are put together at run time so that secret scanners leave this file alone.
@Suite struct APIKeyDetectorTests {
    static func letters(_ count: Int, _ alphabet: String = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z") -> String {
        let all = Array(alphabet)
        return String((0..<count).map { all[$0 % all.count] })
    }
    static let hex = "0123456789abcdef"
    static let capitals = "ABCDEFGH234567"

    @Test(arguments: [
        "AKIA" + letters(16, capitals), "ASIA" + letters(16, capitals), "A3TX" + letters(16, capitals),
        "ghp_" + letters(36), "gho_" + letters(36), "github_pat_" + letters(22) + "_" + letters(59),
        "glpat-" + letters(20), "glrt-" + letters(20), "xoxb-" + letters(12, "0123456789") + "-" + letters(24),
        "xapp-1-A0123-" + letters(20), "sk_live_" + letters(24), "rk_test_" + letters(24), "whsec_" + letters(32),
        "AIza" + letters(34) + "_", "ya29." + letters(40), "GOCSPX-" + letters(28),
        "sk-" + letters(48), "sk-proj-" + letters(40) + "_" + letters(23), "sk-svcacct-" + letters(40),
        "sk-ant-api03-" + letters(93) + "AA", "sk-or-v1-" + letters(64, hex), "sk-" + letters(32, hex),
        "sk-" + letters(22),
        "hf_" + letters(34), "r8_" + letters(37), "gsk_" + letters(52), "xai-" + letters(80), "pplx-" + letters(48),
        "nvapi-" + letters(64), "npm_" + letters(36), "pypi-AgEIcHlwaS5vcmc" + letters(60), "dckr_pat_" + letters(27),
        "SG." + letters(22) + "." + letters(43), "SK" + letters(32, hex), "key-" + letters(32, hex),
        letters(32, hex) + "-us12", "glsa_" + letters(32) + "_" + letters(8, hex), "dop_v1_" + letters(64, hex),
        "dapi" + letters(32, hex), "hvs." + letters(90), letters(14) + ".atlasv1." + letters(64),
        "dp.pt." + letters(43),
        "123456789:AA" + letters(33), "shpat_" + letters(32, hex), "sq0atp-" + letters(22), "lin_api_" + letters(40),
        "ntn_" + letters(46), "sbp_" + letters(40, hex), "NRAK-" + letters(27, capitals), "LTAI" + letters(20),
        "abc8Q~" + letters(34), "AGE-SECRET-KEY-1" + letters(58, capitals),
    ])
    func keysAreFound(_ key: String) throws {
        let bench = try Bench(.apiKey)
        for (before, after) in [
            ("", ""), ("key ", "."), ("key=", "&"), ("(", ")"), ("\"", "\""), ("\n", "\n- "), ("\u{201C}", "\u{201D}"),
            ("'", "'"),
        ] {
            let found = bench(before + key + after)
            // A full stop may belong to the alphabet of a key.
            #expect(
                found == before + "[REDACTED:api_key]" + after
                    || (after == "." && found == before + "[REDACTED:api_key]")
            )
        }
    }

    @Test func namesStay() throws {
        let bench = try Bench(.apiKey)
        let key = Self.letters(86) + "=="
        #expect(
            bench("AccountName=x;AccountKey=\(key);Endpoint=y")
                == "AccountName=x;AccountKey=[REDACTED:api_key];Endpoint=y"
        )
        let hook = "https://hooks.slack.com/services/T0001/B0001/" + Self.letters(24)
        #expect(bench("post \(hook) failed") == "post https://[REDACTED:api_key] failed")
    }

    @Test(arguments: [
        "AKIAIOSFODNN7EXAMPLE", "AKIA" + letters(15, capitals), "AKIA" + letters(17, capitals),
        "XAKIA" + letters(16, capitals),
        "task-" + letters(48), "risk-of-something-very-long-1", "sk-learn", "sk-learn-contrib-extensions-and-more",
        "sk-",
        "ghp_short", "hf_hub_download", "hf_transfer", "npm_config_registry", "key-value-store", "xoxb-", "gsk_",
        "SKU12345", "SK" + letters(31, hex), "SK" + letters(33, hex), "en-us1", "llama-2-70b", letters(64, hex),
        "84cc2087-4270-4a07-a599-9ed92289c778", "sha256:" + letters(64, hex), "v1.0-rc1", "req_e9f1ad49b1b2f020",
        "chatcmpl-" + letters(32, hex), "arn:aws:iam::123456789012:user/x", "hooks.slack.com",
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.apiKey)
        #expect(bench(text) == text)
        #expect(bench("see \(text) there") == "see \(text) there")
    }
}
