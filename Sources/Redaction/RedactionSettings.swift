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
    /// JSON keys whose values are left alone, at any depth, whatever stands in them. Compared exactly.
    package var except: [String] = []
    /// JSON keys of identifiers made by machines, in which one of ten 16-digit runs passes for a card number: no card,
    /// IBAN or social security number is looked for in their values. All else is, for clients may choose such ids.
    package var identifiers: [String] = [
        "request_id", "trace_id", "span_id", "parent_id", "parent_span_id", "correlation_id", "traceparent",
        "__CURSOR",
    ]

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
