import Bytes

/// Finds and replaces personal data and secrets in lines. Compiled once from settings, shared by all threads; each
/// thread brings its own `RedactionScratch`.
package struct Redactor: Sendable {
    package enum Outcome: Sendable, Equatable {
        /// Nothing was found: the input stands, nothing was appended to `out`.
        case clean
        /// What to write instead was appended to `out`.
        case changed
        /// The line must not be written (`drop_line`).
        case dropped
        /// The engine failed: `Redactor.placeholder` was appended to `out`, and the input must not be written.
        case failed
    }

    /// What stands in the place of a line that could not be scanned.
    package static let placeholder: StaticString = "[REDACTED:unscanned]"

    package let settings: RedactionSettings
    let scanner: LiteralScanner

    package init(_ settings: RedactionSettings = RedactionSettings()) throws(RedactionError) {
        self.settings = settings
        do throws(RegexError) {
            scanner = try LiteralScanner([LiteralScanner.Pattern(id: 0, text: "-----BEGIN ")])
        } catch {
            throw RedactionError(error.description)
        }
    }

    package func makeScratch() throws(RedactionError) -> RedactionScratch { try RedactionScratch(for: scanner) }

    /// Redacts one line: JSON, logfmt or plain text. `out` is appended to only where the outcome says so.
    package func redact(_ line: ByteView, _ scratch: RedactionScratch, into out: ByteArena) -> Outcome { .clean }

    /// Redacts the value of a label or of structured metadata. `name` is looked at as a JSON key would be.
    package func redactValue(
        _ value: ByteView, name: ByteView, _ scratch: RedactionScratch, into out: ByteArena
    ) -> Outcome { .clean }
}
