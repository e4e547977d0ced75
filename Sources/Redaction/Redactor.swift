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

    /// Lines of at least so many bytes may have been cut by whoever wrote or carried them (syslog: 1,024; Docker: 16,384; our
    /// own `max_line_bytes`): what begins a key at their end is taken for one.
    static let cutMin = 1_000

    package let settings: RedactionSettings
    /// By number.
    package let rules: [RedactionRule]
    let detectors: Set<Detector>
    let triggers: [Trigger]
    let scanner: LiteralScanner?
    let exceptions: [ByteString]
    /// Letters and digits only, in lower case.
    let identifiers: [ByteString]
    let replacements: [[UInt8]]

    package init(_ settings: RedactionSettings = RedactionSettings()) throws(RedactionError) {
        self.settings = settings
        detectors = Set(settings.detectors)
        guard !detectors.isEmpty else { throw RedactionError("no detector is switched on") }
        rules = Detector.allCases.map { [detectors] detector in
            RedactionRule(name: detector.name, mode: settings.mode, isOn: detectors.contains(detector))
        }
        triggers = Trigger.all(for: detectors)
        exceptions = settings.except.map { ByteString($0) }
        identifiers = settings.identifiers.map(Redactor.folded)
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

    package func makeScratch() throws(RedactionError) -> RedactionScratch {
        try RedactionScratch(for: scanner, rules: rules.count, budget: settings.budget)
    }

    /// Redacts one line: JSON, logfmt or plain text. `out` is appended to only where the outcome says so.
    package func redact(_ line: ByteView, _ scratch: RedactionScratch, into out: ByteArena) -> Outcome {
        var armour = KeyArmour()
        return redact(line, scratch, into: out, armour: &armour)
    }

    /// As above, for the lines of one source in their order: `armour` remembers that a private key has begun.
    package func redact(
        _ line: ByteView, _ scratch: RedactionScratch, into out: ByteArena, armour: inout KeyArmour
    ) -> Outcome {
        scratch.patches.removeAll(keepingCapacity: true)
        scratch.target = .line
        scratch.opensKey = false
        scratch.time.start()
        guard sight(line, scratch) else { return fail(scratch, out) }
        let body = armour.isOpen ? armour.step(line) : nil
        if scratch.sightings.isEmpty {
            guard let body else { return .clean }
            scratch.patches.append(RedactionScratch.Patch(range: body, detector: .privateKey, needsQuotes: false))
            return apply(line, scratch, into: out)
        }
        let scanned = isJSON(line, scratch) ? walk(line, scratch) : inspect(line, at: 0, sighted: true, scratch)
        guard scanned else { return fail(scratch, out) }
        if scratch.opensKey { armour.open() }
        if let body {
            scratch.patches.append(RedactionScratch.Patch(range: body, detector: .privateKey, needsQuotes: false))
            scratch.patches.sort { $0.range.lowerBound < $1.range.lowerBound }
        }
        return apply(line, scratch, into: out)
    }

    /// Redacts the value of a label or of structured metadata. `name` counts as a JSON key does. With `drop_line` the
    /// outcome `.dropped` means the whole entry.
    package func redactValue(
        _ value: ByteView,
        name: ByteView,
        of target: RedactionScratch.Target = .metadata,
        _ scratch: RedactionScratch,
        into out: ByteArena
    ) -> Outcome {
        scratch.patches.removeAll(keepingCapacity: true)
        scratch.target = target
        scratch.time.start()
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
        scratch.countFailure()
        out.append(Redactor.placeholder)
        return .failed
    }
}
