/// A kind of personal data or secret. The order is the priority: where candidates overlap, the first one names the span.
package enum Detector: UInt8, CaseIterable, Sendable, Comparable {
    case privateKey
    case jwt
    case apiKey
    case authorization
    case urlCredential
    case secret
    case card
    case iban
    case ssn
    case email
    case ip

    static let count = allCases.count

    /// What is looked for when nothing is said: what can be told from other text without knowing what is meant.
    package static let defaults: [Detector] = allCases.filter { $0 != .ip }

    /// The detector whose rule has this number.
    init?(number: Int) {
        guard number < Detector.count else { return nil }
        self.init(rawValue: UInt8(number))
    }

    /// The name in configuration, in replacements (`[REDACTED:email]`) and in the label `rule` of metrics.
    package var name: String {
        switch self {
        case .privateKey: "private_key"
        case .jwt: "jwt"
        case .apiKey: "api_key"
        case .authorization: "authorization"
        case .urlCredential: "url_credential"
        case .secret: "secret"
        case .card: "card"
        case .iban: "iban"
        case .ssn: "ssn"
        case .email: "email"
        case .ip: "ip"
        }
    }

    /// The detector called `text` in a configuration; common other names are understood.
    package init?(named text: String) {
        switch text {
        case "credit_card", "creditcard", "cards": self = .card
        case "emails", "e-mail": self = .email
        case "us_ssn": self = .ssn
        case "ip_address", "ipv4", "ipv6": self = .ip
        case "api_keys", "vendor_key", "vendor_keys": self = .apiKey
        case "private_keys": self = .privateKey
        case "auth_header", "bearer": self = .authorization
        case "url_credentials": self = .urlCredential
        case "secrets", "key_value": self = .secret
        default:
            guard let found = Detector.allCases.first(where: { $0.name == text }) else { return nil }
            self = found
        }
    }

    /// Whether what it finds could as well be a number that a machine made up.
    var isNumber: Bool { self == .card || self == .iban || self == .ssn }

    package static func < (a: Detector, b: Detector) -> Bool { a.rawValue < b.rawValue }
}
