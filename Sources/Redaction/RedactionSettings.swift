/// What to look for and what to put in its place. `RedactionSettings()` is what `redact: {}` means.
package struct RedactionSettings: Sendable, Equatable {
    package enum Mode: String, CaseIterable, Sendable {
        /// `[REDACTED:email]`.
        case mask
        /// As many `*` as the candidate had bytes; keeps columns, tells the length.
        case charMask = "char_mask"
        /// A harmless rest stays: `****1111`, `j***@example.com`. Secrets shorter than 16 bytes are masked.
        case partial
        /// The whole line goes.
        case dropLine = "drop_line"
        /// The line stays; only counters move.
        case detect
    }

    package var detectors: [Detector] = Detector.allCases
    package var mode = Mode.mask
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
    package var budget: Int64 = 0

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
