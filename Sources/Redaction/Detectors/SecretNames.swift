import Bytes

// Which names say that their value is a secret.
extension SecretKey {
    /// By the end of the name, in any case and with any joints: `db_password`, `X-Api-Key`, `accessToken`; and by what
    /// may stand behind the word: `password_new`, `passwordConfirm`, `password2`, `api_key_openai`.
    static func classify(_ name: ByteView) -> SecretKey? {
        guard name.count <= nameMax, name.count >= 3 else { return nil }
        // Letters and digits of the name, in lower case, in a fixed block.
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: nameMax) { block -> SecretKey? in
            var length = 0
            for i in name.indices where name[i].isAlphanumeric {
                block[length] = name[i].lowercased
                length += 1
            }
            let folded = ByteView(unsafe: UnsafeRawBufferPointer(start: block.baseAddress, count: length))
            if let key = lookUp(folded, tail: nil) { return key }
            let digits = folded.runStart(of: .digit, before: length, limit: 3)
            if digits < length { return lookUp(folded.prefix(digits), tail: .any) }
            for tail in tails where folded.hasSuffix(ByteView(tail.text)) {
                if let key = lookUp(folded.prefix(length - tail.text.utf8CodeUnitCount), tail: tail.kind) { return key }
            }
            return nil
        }
    }

    /// `tail`: what stood behind the name, which not every name can have.
    private static func lookUp(_ folded: ByteView, tail: Tail?) -> SecretKey? {
        for entry in table {
            let suffix = ByteView(entry.suffix)
            guard entry.whole ? folded == suffix : folded.hasSuffix(suffix) else { continue }
            switch (tail, entry.key) {
            case (nil, _), (_, .anyValue), (.any, .keyLike): return entry.key
            default: return nil
            }
        }
        return nil
    }

    /// What a word behind the name of a secret goes with: a hash of a password is worth hiding, one of a key is its id.
    private enum Tail { case any, passwords }

    private static let tails: [(text: StaticString, kind: Tail)] =
        ([
            "new", "old", "current", "raw", "plain", "plaintext", "cleartext", "value", "enc", "encrypted", "b64",
            "base64", "prod", "production", "staging", "dev", "live", "primary", "secondary", "backup", "admin", "root",
            "openai", "anthropic", "azure", "google", "gemini", "aws", "huggingface", "hf", "groq", "mistral", "cohere",
            "together", "stripe", "openrouter", "deepseek", "fireworks", "nvidia", "wandb", "github", "slack",
        ] as [StaticString]).map { ($0, .any) }
        + (["confirm", "confirmation", "confirmed", "again", "repeat", "verify", "hash", "hashed"] as [StaticString])
        .map { ($0, .passwords) }

    /// Longest text that may stand between a trigger and the end of its name, bytes: the longest of `tails` and joints.
    static let tailMax = 20

    private struct Entry: Sendable {
        var suffix: StaticString
        var key: SecretKey
        var whole: Bool
        init(_ suffix: StaticString, _ key: SecretKey, whole: Bool = false) {
            self.suffix = suffix
            self.key = key
            self.whole = whole
        }
    }

    private static let table: [Entry] =
        [
            Entry("password", .anyValue), Entry("passwd", .anyValue), Entry("passphrase", .anyValue),
            Entry("pwd", .anyValue), Entry("passwords", .anyValue), Entry("passwort", .anyValue),
            Entry("kennwort", .anyValue),
            Entry("clientsecret", .anyValue), Entry("secretkey", .anyValue), Entry("secretaccesskey", .anyValue),
            Entry("privatekey", .anyValue), Entry("sharedsecret", .anyValue), Entry("apisecret", .anyValue),
            Entry("appsecret", .anyValue), Entry("consumersecret", .anyValue), Entry("webhooksecret", .anyValue),
            Entry("signingsecret", .anyValue),
            Entry("secret", .keyLike), Entry("apikey", .keyLike), Entry("apikeys", .keyLike),
            Entry("accesskey", .keyLike), Entry("authkey", .keyLike),
            Entry("masterkey", .keyLike), Entry("encryptionkey", .keyLike), Entry("subscriptionkey", .keyLike),
            Entry("credential", .keyLike), Entry("credentials", .keyLike),
            Entry("token", .mixed, whole: true), Entry("idtoken", .keyLike, whole: true),
        ] + accountPasses + credentialTokens
        + [
            Entry("token", .tokenLike), Entry("sessionkey", .tokenLike), Entry("pass", .mixed, whole: true),
            Entry("cvv", .digits), Entry("cvv2", .digits), Entry("cvc", .digits), Entry("pin", .digits, whole: true),
            Entry("otp", .digits, whole: true), Entry("pincode", .digits, whole: true),
            Entry("otpcode", .digits, whole: true),
            Entry("authorization", .authorization), Entry("cookie", .cookie),
            Entry("ssn", .socialSecurity, whole: true), Entry("socialsecuritynumber", .socialSecurity),
            Entry("xamzsignature", .queryParameter, whole: true), Entry("xamzcredential", .queryParameter, whole: true),
            Entry("xgoogsignature", .queryParameter, whole: true), Entry("signature", .queryParameter, whole: true),
            Entry("sig", .queryParameter, whole: true), Entry("key", .queryParameter, whole: true),
            Entry("code", .queryParameter, whole: true),
        ]

    /// `pass` behind the name of an account or a service. Elsewhere it is a pass over data.
    private static let accountPasses: [Entry] =
        ([
            "userpass", "dbpass", "databasepass", "mysqlpass", "postgrespass", "pgpass", "redispass", "mongopass",
            "rabbitmqpass", "smtppass", "imappass", "mailpass", "ftppass", "sshpass", "ldappass", "adminpass",
            "rootpass", "loginpass", "authpass", "sudopass",
        ] as [StaticString]).map { Entry($0, .anyValue) }

    /// Names that only credentials have, so that a short value counts too.
    private static let credentialTokens: [Entry] =
        ([
            "authtoken", "accesstoken", "apitoken", "refreshtoken", "bearertoken", "sessiontoken", "bottoken",
            "securitytoken", "usertoken", "oauthtoken", "privatetoken", "githubtoken", "gitlabtoken",
            "hftoken", "vaulttoken", "npmtoken", "slacktoken", "csrftoken", "xsrftoken",
        ] as [StaticString]).map { Entry($0, .keyLike) }
}
