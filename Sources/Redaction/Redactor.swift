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
    let patterns: [OwnPattern]
    let pseudonyms: Pseudonyms?
    let fields: [Field]
    /// Last keys of `fields`: without one of them in a line, no field is in it.
    let fieldWords: [(text: [UInt8], rule: Int)]
    /// Whether a field has no key at all, so that it may be in every line.
    let looksEverywhere: Bool
    /// Whether some rules only watch.
    let watches: Bool
    /// Whether some rules take whole members and pairs away.
    let dropsFields: Bool

    package init(_ settings: RedactionSettings = RedactionSettings()) throws(RedactionError) {
        self.settings = settings
        detectors = Set(settings.detectors)
        (rules, patterns, fields, pseudonyms) = try Redactor.own(settings)
        var words: [(text: [UInt8], rule: Int)] = []
        for field in fields {
            guard let literal = field.path.literal.map({ Array($0.utf8) }), !words.contains(where: { $0.text == literal }) else { continue }
            words.append((literal, field.rule))
        }
        fieldWords = words
        looksEverywhere = fields.contains { $0.path.literal == nil }
        watches = rules.contains { $0.isOn && $0.mode == .detect }
        dropsFields = rules.contains { $0.isOn && $0.mode == .dropField }
        triggers = Trigger.all(for: detectors)
        exceptions = settings.except.map { ByteString($0) }
        identifiers = settings.identifiers.map(Redactor.folded)
        replacements = rules.map { Array("[REDACTED:\($0.name)]".utf8) }
        guard !triggers.isEmpty || !words.isEmpty else {
            scanner = nil
            return
        }
        var literals = triggers.enumerated().map { index, trigger in
            LiteralScanner.Pattern(id: UInt32(index), text: "\(trigger.literal)", ignoresCase: trigger.ignoresCase)
        }
        for word in words {
            literals.append(LiteralScanner.Pattern(id: UInt32(literals.count), text: String(decoding: word.text, as: UTF8.self)))
        }
        do throws(RegexError) { scanner = try LiteralScanner(literals) } catch {
            throw RedactionError(error.description)
        }
    }

    /// What may be wrong with settings, without compiling what never is.
    package static func check(_ settings: RedactionSettings) throws(RedactionError) { _ = try own(settings) }

    private static func own(
        _ settings: RedactionSettings
    ) throws(RedactionError) -> (rules: [RedactionRule], patterns: [OwnPattern], fields: [Field], pseudonyms: Pseudonyms?) {
        var rules = try rules(settings)
        var fields: [Field] = []
        for field in settings.fields {
            let mode = field.mode ?? settings.mode
            try checkName(field.name, against: rules, upTo: Detector.count + settings.patterns.count)
            let rule = rules.firstIndex { $0.name == field.name && $0.mode == mode } ?? rules.count
            if rule == rules.count { rules.append(RedactionRule(name: field.name, mode: mode, isOn: true)) }
            fields.append(Field(path: try FieldPath(field.path), rule: rule))
        }
        try checkKeys(settings, rules)
        guard rules.contains(where: \.isOn) else { throw RedactionError("no detector is switched on") }
        var patterns: [OwnPattern] = []
        for (index, pattern) in settings.patterns.enumerated() {
            patterns.append(try OwnPattern(pattern, rule: Detector.count + index))
        }
        return (rules, patterns, fields, try Pseudonyms(settings.keys, kinds: rules.map(\.name)))
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
        scratch.begin(.line)
        guard sight(line, scratch) else { return fail(scratch, out) }
        scratch.matchesOwn = mayMatchOwn(line)
        let mayHoldFields = mayHoldFields(scratch)
        let body = armour.isOpen ? armour.step(line) : nil
        if scratch.sightings.isEmpty, !scratch.matchesOwn, !mayHoldFields {
            guard let body else { return .clean }
            scratch.patches.append(RedactionScratch.Patch(range: body, rule: Int(Detector.privateKey.rawValue)))
            return apply(line, scratch, into: out)
        }
        let isJSON = isJSON(line, scratch)
        let scanned = isJSON ? walk(line, scratch) : inspect(line, at: 0, sighted: true, scratch)
        guard scanned else { return fail(scratch, out) }
        if mayHoldFields, !findFields(line, isJSON: isJSON, scratch) { return fail(scratch, out) }
        if dropsFields {
            if !isJSON { cutPairs(line, scratch) }
            cutMembers(line, scratch)
        }
        if scratch.opensKey { armour.open() }
        if let body {
            scratch.patches.append(RedactionScratch.Patch(range: body, rule: Int(Detector.privateKey.rawValue)))
            scratch.isUnordered = true
        }
        return apply(line, scratch, into: out)
    }

    /// Redacts the value of a label or of structured metadata. `name` counts as a JSON key does. With `drop_line` the
    /// outcome `.dropped` means the whole entry; with `drop_field` nothing is appended, and the pair goes.
    package func redactValue(
        _ value: ByteView,
        name: ByteView,
        of target: RedactionScratch.Target = .metadata,
        _ scratch: RedactionScratch,
        into out: ByteArena
    ) -> Outcome {
        scratch.begin(target)
        if isException(name) { return .clean }
        scratch.matchesOwn = mayMatchOwn(value)
        if !fields.isEmpty {
            if isField(name, value, scratch) { return apply(value, scratch, into: out) }
            // A value may be a document.
            guard sight(value, scratch) else { return fail(scratch, out) }
            if mayHoldFields(scratch), !findFields(value, isJSON: isJSON(value, scratch), scratch) { return fail(scratch, out) }
        }
        guard let key = SecretKey.classify(name) else {
            guard sight(value, scratch) else { return fail(scratch, out) }
            if scratch.sightings.isEmpty, !scratch.matchesOwn { return apply(value, scratch, into: out) }
            guard inspect(value, at: 0, sighted: true, isIdentifier: isIdentifier(name), scratch) else {
                return fail(scratch, out)
            }
            return apply(value, scratch, into: out)
        }
        guard inspect(value, at: 0, key: key, scratch) else { return fail(scratch, out) }
        return apply(value, scratch, into: out)
    }

    /// The rules by number, with their modes.
    private static func rules(_ settings: RedactionSettings) throws(RedactionError) -> [RedactionRule] {
        if settings.mode == .truncateIP {
            throw RedactionError("`truncate_ip` is the mode of one rule: `rules: [{detector: ip, mode: truncate_ip}]`")
        }
        var rules: [RedactionRule] = []
        for detector in Detector.allCases {
            let mode = settings.modes[detector] ?? settings.mode
            if mode == .truncateIP, detector != .ip {
                throw RedactionError("`truncate_ip` is for the detector `ip`, not for `\(detector.name)`")
            }
            rules.append(RedactionRule(name: detector.name, mode: mode, isOn: settings.detectors.contains(detector)))
        }
        for pattern in settings.patterns {
            try checkName(pattern.name, against: rules, upTo: rules.count)
            rules.append(RedactionRule(name: pattern.name, mode: pattern.mode ?? settings.mode, isOn: true))
        }
        return rules
    }

    private static func checkName(_ name: String, against rules: [RedactionRule], upTo count: Int) throws(RedactionError) {
        guard let first = name.utf8.first, first.isLetter, name.utf8.count <= nameMax,
            name.utf8.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "_") })
        else {
            throw RedactionError("`\(name)` is no name of a rule: at most \(nameMax) letters, digits and underscores, a letter first")
        }
        guard !rules.prefix(count).contains(where: { $0.name == name }) else {
            throw RedactionError("there is a rule `\(name)` already")
        }
    }

    private static func checkKeys(_ settings: RedactionSettings, _ rules: [RedactionRule]) throws(RedactionError) {
        if settings.keys.isEmpty, let rule = rules.first(where: { $0.isOn && $0.mode == .pseudonym }) {
            throw RedactionError(
                "rule `\(rule.name)` makes pseudonyms, and there is no key: `keys: [{id: k1, file: /etc/tailrace/redaction.key}]`; "
                    + "without one, a card or phone number is found by trying all of them")
        }
    }

    /// Whether the text that was sighted last may hold a field: one of their keys stands there, or an escape that may hide it.
    private func mayHoldFields(_ scratch: RedactionScratch) -> Bool {
        if fields.isEmpty { return false }
        return looksEverywhere || scratch.seesFields || scratch.sightings.contains { $0.trigger == -1 && $0.kind == .hidden }
    }

    /// Nothing of the input may be seen: the placeholder stands for it.
    private func fail(_ scratch: RedactionScratch, _ out: ByteArena) -> Outcome {
        scratch.countFailure()
        out.append(Redactor.placeholder)
        return .failed
    }
}
