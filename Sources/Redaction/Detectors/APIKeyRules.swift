/// The forms of keys that vendors give a prefix of their own. A prefix, the right alphabet and enough of it redact:
/// no checksum or entropy can clear a candidate.
struct APIKeyRule: Sendable {
    enum Shape: Sendable {
        /// The prefix, then a run of at least `minimum` bytes.
        case run
        /// As `run`, but a longer run is something else.
        case exactly
        /// As `run`, and there must be a digit in it.
        case runWithDigit
        /// OpenAI's and its imitators' `sk-`.
        case sk
        /// Two base64url parts with a dot: SendGrid.
        case dotted
        /// `/services/T…/B…/…` behind the host name.
        case slackHook
        /// Words before the literal, words behind it: Telegram, Terraform, Azure, Mailchimp.
        case telegram, terraform, azureSecret, mailchimp
    }

    var prefix: StaticString
    var alphabet: ByteClass
    var minimum: Int
    var shape: Shape
    /// Bytes of the match that stay in front, because they are a name and no secret.
    var kept: Int

    init(_ prefix: StaticString, _ alphabet: ByteClass, _ minimum: Int, _ shape: Shape = .run, kept: Int = 0) {
        self.prefix = prefix
        self.alphabet = alphabet
        self.minimum = minimum
        self.shape = shape
        self.kept = kept
    }

    static let all: [APIKeyRule] = cloud + code + models + services + secrets

    private static let token: ByteClass = [.digit, .lower, .upper, .dash, .underscore, .dot]
    private static let capital: ByteClass = [.digit, .upper]
    private static let lowerHexadecimal: ByteClass = [.digit, .lowerHex]

    private static let cloud: [APIKeyRule] = [
        APIKeyRule("AKIA", capital, 16, .exactly), APIKeyRule("ASIA", capital, 16, .exactly),
        APIKeyRule("ABIA", capital, 16, .exactly), APIKeyRule("ACCA", capital, 16, .exactly),
        APIKeyRule("A3T", capital, 17, .exactly),
        APIKeyRule("AIza", .base64URL, 35), APIKeyRule("ya29.", token, 20), APIKeyRule("GOCSPX-", .base64URL, 20),
        APIKeyRule("AccountKey=", .base64, 80, kept: 11), APIKeyRule("Q~", token, 31, .azureSecret),
        APIKeyRule("dop_v1_", .hex, 60), APIKeyRule("doo_v1_", .hex, 60), APIKeyRule("dor_v1_", .hex, 60),
        APIKeyRule("LTAI", .alphanumeric, 16), APIKeyRule("fo1_", .base64URL, 40),
        APIKeyRule("FlyV1 fm", [.base64, .underscore, .dash], 40),
        APIKeyRule("v1.0-", [.digit, .lowerHex, .dash], 100), APIKeyRule("HRKU-", .base64URL, 30),
    ]

    private static let code: [APIKeyRule] = [
        APIKeyRule("ghp_", .alphanumeric, 36), APIKeyRule("gho_", .alphanumeric, 36),
        APIKeyRule("ghu_", .alphanumeric, 36), APIKeyRule("ghs_", .alphanumeric, 36),
        APIKeyRule("ghr_", .alphanumeric, 36), APIKeyRule("github_pat_", [.alphanumeric, .underscore], 40),
        APIKeyRule("glpat-", token, 20), APIKeyRule("gldt-", token, 20), APIKeyRule("glrt-", token, 20),
        APIKeyRule("glcbt-", token, 20), APIKeyRule("glptt-", token, 20), APIKeyRule("glft-", token, 20),
        APIKeyRule("glsoat-", token, 20), APIKeyRule("gloas-", token, 20),
        APIKeyRule("npm_", .alphanumeric, 36), APIKeyRule("pypi-AgE", .base64URL, 50),
        APIKeyRule("rubygems_", .hex, 40), APIKeyRule("dckr_pat_", .base64URL, 20),
        APIKeyRule("dckr_oat_", .base64URL, 20),
        APIKeyRule("ATATT3", [.base64URL, .base64Extra], 60), APIKeyRule("lin_api_", .alphanumeric, 32),
    ]

    /// Model providers: what an inference host sees most.
    private static let models: [APIKeyRule] = [
        APIKeyRule("sk-", .base64URL, 20, .sk),
        APIKeyRule("hf_", .alphanumeric, 30), APIKeyRule("api_org_", .alphanumeric, 30),
        APIKeyRule("r8_", .alphanumeric, 30), APIKeyRule("gsk_", .alphanumeric, 40),
        APIKeyRule("xai-", .alphanumeric, 40),
        APIKeyRule("pplx-", .alphanumeric, 40), APIKeyRule("nvapi-", .base64URL, 60),
        APIKeyRule("csk-", .alphanumeric, 40),
        APIKeyRule("esecret_", .alphanumeric, 24), APIKeyRule("lsv2_pt_", [.alphanumeric, .underscore], 32),
        APIKeyRule("lsv2_sk_", [.alphanumeric, .underscore], 32),
        APIKeyRule("pcsk_", [.alphanumeric, .underscore], 40),
        APIKeyRule("tgp_v1_", .base64URL, 40),
    ]

    private static let services: [APIKeyRule] = [
        APIKeyRule("xoxb-", [.alphanumeric, .dash], 20, .runWithDigit),
        APIKeyRule("xoxp-", [.alphanumeric, .dash], 20, .runWithDigit),
        APIKeyRule("xoxa-", [.alphanumeric, .dash], 20, .runWithDigit),
        APIKeyRule("xoxr-", [.alphanumeric, .dash], 20, .runWithDigit),
        APIKeyRule("xoxs-", [.alphanumeric, .dash], 20, .runWithDigit),
        APIKeyRule("xoxe", [.alphanumeric, .dash, .dot], 20, .runWithDigit),
        APIKeyRule("xapp-", [.alphanumeric, .dash], 20, .runWithDigit),
        APIKeyRule("hooks.slack.com", token, 20, .slackHook),
        APIKeyRule("sk_live_", .alphanumeric, 16), APIKeyRule("rk_live_", .alphanumeric, 16),
        APIKeyRule("sk_test_", .alphanumeric, 16), APIKeyRule("rk_test_", .alphanumeric, 16),
        APIKeyRule("whsec_", .base64, 24), APIKeyRule("SG.", .base64URL, 16, .dotted),
        APIKeyRule("SK", lowerHexadecimal, 32, .exactly),
        APIKeyRule("key-", lowerHexadecimal, 32, .exactly), APIKeyRule("-us", .hex, 32, .mailchimp),
        APIKeyRule("glsa_", [.alphanumeric, .underscore], 38), APIKeyRule("glc_", .base64, 32),
        APIKeyRule("dapi", lowerHexadecimal, 32), APIKeyRule("dp.pt.", .alphanumeric, 40),
        APIKeyRule("dp.st.", token, 40),
        APIKeyRule(":AA", .base64URL, 33, .telegram), APIKeyRule("shpat_", .hex, 32), APIKeyRule("shpca_", .hex, 32),
        APIKeyRule("shppa_", .hex, 32), APIKeyRule("shpss_", .hex, 32), APIKeyRule("sq0atp-", .base64URL, 22),
        APIKeyRule("sq0csp-", .base64URL, 22), APIKeyRule("sq0idp-", .base64URL, 22),
        APIKeyRule("ntn_", .alphanumeric, 40),
        APIKeyRule("sbp_", .hex, 40), APIKeyRule("pscale_tkn_", token, 32), APIKeyRule("pscale_pw_", token, 32),
        APIKeyRule("pscale_oauth_", token, 32), APIKeyRule("sntrys_", [.base64, .underscore], 32),
        APIKeyRule("sntryu_", .hex, 32),
        APIKeyRule("NRAK-", capital, 27), APIKeyRule("dt0c01.", [.digit, .upper, .dot], 80),
    ]

    private static let secrets: [APIKeyRule] = [
        APIKeyRule("hvs.", .base64URL, 20), APIKeyRule("hvb.", .base64URL, 20), APIKeyRule("hvr.", .base64URL, 20),
        APIKeyRule(".atlasv1.", .base64URL, 60, .terraform), APIKeyRule("ops_eyJ", .base64URL, 60),
        APIKeyRule("A3-", [.digit, .upper, .dash], 30), APIKeyRule("AGE-SECRET-KEY-1", capital, 50),
    ]
}
