import Bytes

/// Finds and replaces personal data and secrets in lines. Compiled once from settings, shared by all threads; each
/// thread brings its own `RedactionScratch`.
///
/// One pass over the raw line looks for triggers: literals (Vectorscan) and byte classes (`MarkScanner`). A line
/// without any is clean and costs nothing more. Otherwise validators look around the triggers, in decoded text:
/// - a JSON line value by value, each with its escapes resolved, and secrets by key;
/// - any other line as one text, its escapes resolved as deep as they go.
/// What they find is mapped back to the raw bytes, and only those bytes are replaced. Replacements hold no quote,
/// backslash or control byte, so what was JSON or logfmt stays so at every depth.
///
/// Invariants:
/// - A line that could not be scanned is never returned (`Outcome.failed`).
/// - Redacting a result again changes nothing.
/// - Everything outside the findings stays byte for byte.
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

    /// Escapes inside escapes, as in JSON that holds JSON, are resolved so many times.
    static let depthMax = 4

    package let settings: RedactionSettings
    let detectors: Set<Detector>
    let triggers: [Trigger]
    let scanner: LiteralScanner?
    let exceptions: [ByteString]
    let identifiers: [ByteString]
    let replacements: [[UInt8]]

    package init(_ settings: RedactionSettings = RedactionSettings()) throws(RedactionError) {
        self.settings = settings
        detectors = Set(settings.detectors)
        guard !detectors.isEmpty else { throw RedactionError("no detector is switched on") }
        triggers = Trigger.all(for: detectors)
        exceptions = settings.except.map { ByteString($0) }
        identifiers = settings.identifiers.map { ByteString($0) }
        replacements = Detector.allCases.map { Array("[REDACTED:\($0.name)]".utf8) }
        guard !triggers.isEmpty else {
            scanner = nil
            return
        }
        let patterns = triggers.enumerated().map { index, trigger in
            LiteralScanner.Pattern(id: UInt32(index), text: "\(trigger.literal)", ignoresCase: trigger.ignoresCase)
        }
        do throws(RegexError) { scanner = try LiteralScanner(patterns) } catch {
            throw RedactionError(error.description)
        }
    }

    package func makeScratch() throws(RedactionError) -> RedactionScratch { try RedactionScratch(for: scanner) }

    /// Redacts one line: JSON, logfmt or plain text. `out` is appended to only where the outcome says so.
    package func redact(_ line: ByteView, _ scratch: RedactionScratch, into out: ByteArena) -> Outcome {
        scratch.patches.removeAll(keepingCapacity: true)
        guard sight(line, scratch) else { return fail(scratch, out) }
        if scratch.sightings.isEmpty { return .clean }
        let scanned = isJSON(line, scratch) ? walk(line, scratch) : inspect(line, at: 0, sighted: true, scratch)
        return scanned ? apply(line, scratch, into: out) : fail(scratch, out)
    }

    /// Redacts the value of a label or of structured metadata. `name` counts as a JSON key does. With `drop_line` the
    /// outcome `.dropped` means the whole entry.
    package func redactValue(
        _ value: ByteView,
        name: ByteView,
        _ scratch: RedactionScratch,
        into out: ByteArena
    ) -> Outcome {
        scratch.patches.removeAll(keepingCapacity: true)
        if isException(name) { return .clean }
        guard let key = SecretKey.classify(name) else {
            guard sight(value, scratch) else { return fail(scratch, out) }
            if scratch.sightings.isEmpty { return .clean }
            guard inspect(value, at: 0, sighted: true, isIdentifier: isIdentifier(name), scratch) else {
                return fail(scratch, out)
            }
            return apply(value, scratch, into: out)
        }
        guard inspect(value, at: 0, key: key, scratch) else { return fail(scratch, out) }
        return apply(value, scratch, into: out)
    }

    /// Nothing of the input may be seen: the placeholder stands for it.
    private func fail(_ scratch: RedactionScratch, _ out: ByteArena) -> Outcome {
        scratch.failures += 1
        out.append(Redactor.placeholder)
        return .failed
    }
}
