/// Personal data and credentials that sample lines carry on purpose: made up, but valid by their own check digits, so
/// that a detector which validates has something to find.
package struct PlantedSecret: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable { case email, card, iban, ssn, apiKey = "api_key", jwt }

    package var kind: Kind
    package var value: String

    static func make(_ kind: Kind, _ random: inout SeededRandom) -> PlantedSecret {
        PlantedSecret(kind: kind, value: value(kind, &random))
    }

    private static func value(_ kind: Kind, _ random: inout SeededRandom) -> String {
        let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        switch kind {
        case .email:
            let name = random.pick(["ada.lovelace", "g.hopper", "alan+test", "m_curie", "noether"])
            return "\(name)\(random.below(100))@\(random.pick(["mail", "post", "research"])).example"
        case .card:
            // A Visa number: 4, fourteen digits, and the Luhn digit.
            let body = "4" + random.digits(14)
            let number = body + "\(luhnDigit(body))"
            return random.below(2) == 0 ? number : grouped(number)
        case .iban:
            let account = random.digits(18)
            return "DE" + ibanCheckDigits(country: "DE", account: account) + account
        case .ssn:
            let area = 100 + random.below(500)
            let group = 10 + random.below(89)
            return "\(area)-\(group)-\(1000 + random.below(8999))"
        case .apiKey:
            return random.below(2) == 0
                ? "ghp_" + random.letters(36, of: alphanumeric) : "sk-proj-" + random.letters(48, of: alphanumeric)
        case .jwt:
            // {"alg":"HS256","typ":"JWT"}
            let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
            return "\(header).eyJzdWIi" + random.letters(24, of: alphanumeric) + "." + random.letters(43, of: alphanumeric)
        }
    }

    private static func grouped(_ digits: String) -> String {
        var out = ""
        for (i, digit) in digits.enumerated() {
            if i > 0, i % 4 == 0 { out += " " }
            out.append(digit)
        }
        return out
    }

    /// The digit that makes `body` pass the Luhn test (ISO/IEC 7812-1).
    static func luhnDigit(_ body: String) -> Int {
        var sum = 0
        for (i, digit) in body.utf8.reversed().enumerated() {
            let value = Int(digit) - 0x30
            let doubled = i % 2 == 0 ? value * 2 : value
            sum += doubled > 9 ? doubled - 9 : doubled
        }
        return (10 - sum % 10) % 10
    }

    /// ISO 7064 mod 97-10 over account, country and "00".
    static func ibanCheckDigits(country: String, account: String) -> String {
        var rest = 0
        for byte in (account + country + "00").utf8 {
            let value = byte >= 0x41 ? Int(byte) - 0x41 + 10 : Int(byte) - 0x30
            rest = (rest * (value > 9 ? 100 : 10) + value) % 97
        }
        let check = 98 - rest
        return check < 10 ? "0\(check)" : "\(check)"
    }
}
