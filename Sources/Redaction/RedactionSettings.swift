import LogModel

/// What to look for and what to put in its place. `RedactionSettings()` is what `redact: {}` means.
package struct RedactionSettings: Sendable, Equatable {
    package enum Mode: String, CaseIterable, Sendable {
        /// `[REDACTED:email]`.
        case mask
        /// As many `*` as the candidate had bytes; keeps columns, tells the length.
        case charMask = "char_mask"
        /// A harmless rest stays: `****1111`, `j***@example.com`. Secrets shorter than 16 bytes are masked.
        case partial
        /// `email:k1:9f3c…`: the same for the same value under one key, so that values can be counted and joined.
        case pseudonym
        /// The member of JSON or the pair of logfmt in which it stands goes; elsewhere as `mask`.
        case dropField = "drop_field"
        /// `203.0.113.0/24`, `2001:db8:1::/48`.
        case truncateIP = "truncate_ip"
        /// The whole line goes.
        case dropLine = "drop_line"
        /// The line stays; only counters move.
        case detect
    }

    /// A rule of the configuration's own: what group `secret` of the expression matches, else group 1, else all of it.
    package struct Pattern: Sendable, Equatable {
        package var name: String
        /// In RE2's syntax. Matched with decoded values of JSON, and with lines that are none.
        package var regex: String
        /// nil: that of the settings.
        package var mode: Mode?

        package init(name: String, regex: String, mode: Mode? = nil) {
            self.name = name
            self.regex = regex
            self.mode = mode
        }
    }

    /// Values by where they stand.
    package struct Field: Sendable, Equatable {
        /// `messages[*].content`: see `FieldPath`.
        package var path: String
        /// Of the rule; several fields may share one.
        package var name: String
        /// nil: that of the settings.
        package var mode: Mode?

        package init(path: String, name: String = "field", mode: Mode? = nil) {
            self.path = path
            self.name = name
            self.mode = mode
        }
    }

    /// What pseudonyms are made with.
    package struct Key: Sendable, Equatable {
        package var id: String
        package var secret: Secret

        package init(id: String, secret: Secret) {
            self.id = id
            self.secret = secret
        }
    }

    package var detectors: [Detector] = Detector.defaults
    package var mode = Mode.mask
    /// Of single detectors, in place of `mode`.
    package var modes: [Detector: Mode] = [:]
    package var patterns: [Pattern] = []
    package var fields: [Field] = []
    /// The first one signs; values that any of them has signed are known as such.
    package var keys: [Key] = []
    /// Names whose values are left alone, whatever stands in them: keys of JSON at any depth, of logfmt and of text, labels
    /// and metadata. Compared exactly.
    package var except: [String] = []
    /// Names of identifiers made by machines, in which one of ten 16-digit runs passes for a card number: no card,
    /// IBAN or social security number is looked for in their values. All else is, for clients may choose such ids.
    /// Compared without case and joints, and by the end: `trace_id` stands for `traceId` and `dd.trace_id` too.
    package var identifiers: [String] = RedactionSettings.machineIdentifiers

    package static let machineIdentifiers = [
        "request_id", "req_id", "trace_id", "span_id", "parent_id", "parent_span_id", "correlation_id", "traceparent",
        "transaction_id", "event_id", "message_id", "job_id", "task_id", "invocation_id", "order_id", "order_number",
        "tracking_number", "__CURSOR",
    ]

    /// How long one line or value may be looked at, nanoseconds of processor time; over it a placeholder stands for the
    /// whole. 0: as long as it takes, which is in proportion to its length.
    package var budget: Int64 = RedactionSettings.budgetDefault

    /// A second for one line: a thousand times what the longest one takes.
    package static let budgetDefault: Int64 = 1_000_000_000

    package init() {}

    package init(detectors: [Detector], mode: Mode = .mask) {
        self.detectors = detectors
        self.mode = mode
    }
}

/// Why a redactor could not be built.
package struct RedactionError: Error, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { "redaction: \(message)" }
}
