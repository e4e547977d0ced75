/// Tokens and requests of a model, a day, a user.
package struct TokenUsage: Sendable, Equatable {
    package var input = 0.0
    package var output = 0.0
    /// Of requests that log only how many there were in all.
    package var unsplit = 0.0
    package var requests = 0

    package init(input: Double = 0, output: Double = 0, unsplit: Double = 0, requests: Int = 0) {
        self.input = input
        self.output = output
        self.unsplit = unsplit
        self.requests = requests
    }

    package var total: Double { input + output + unsplit }

    package static func += (a: inout TokenUsage, b: TokenUsage) {
        a.input += b.input
        a.output += b.output
        a.unsplit += b.unsplit
        a.requests += b.requests
    }
}

/// What tokens and machines cost.
package struct PriceList: Sendable, Equatable {
    package struct Tokens: Sendable, Equatable {
        package var input: Double
        package var output: Double

        package init(input: Double, output: Double) {
            self.input = input
            self.output = output
        }
    }

    package var currency = "USD"
    /// How many tokens a price is for.
    package var per = 1_000.0
    /// By model, exactly as logged.
    package var models: [String: Tokens] = [:]
    /// Per hour, by type of machine.
    package var instances: [String: Double] = [:]
    /// Types of machines by host.
    package var hosts: [String: String] = [:]

    package init() {}

    /// What the tokens of a model cost; nil: nobody has said. A model that is not in the list is not priced like another.
    /// Tokens that are only known in sum have a price where input and output cost the same.
    package func cost(_ model: String, _ usage: TokenUsage) -> Double? {
        guard let price = models[model] else { return nil }
        guard usage.unsplit == 0 || price.input == price.output else { return nil }
        return (usage.input * price.input + (usage.output + usage.unsplit) * price.output) / per
    }

    /// Per hour; nil where host or type is not in the lists.
    package func hourly(_ host: String) -> Double? { hosts[host].flatMap { instances[$0] } }
}

/// What machines cost, by the hours in which they were seen.
package struct HostHours: Sendable, Equatable {
    package var host: String
    /// Hours with any line, the first and last of a range in part.
    package var seen: Double
    /// Of those, with a completed request.
    package var busy: Double

    package init(host: String, seen: Double, busy: Double) {
        self.host = host
        self.seen = seen
        self.busy = busy
    }

    /// As cloud providers count: 365 days over 12.
    package static let hoursOfMonth = 730.0
}
