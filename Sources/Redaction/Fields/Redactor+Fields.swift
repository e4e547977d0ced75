import Bytes

// Values by where they stand: prompts, answers, names of users. No pattern tells them from other text.
extension Redactor {
    /// A rule that names a place.
    struct Field: Sendable {
        var path: FieldPath
        /// Number of the rule.
        var rule: Int
    }

    /// Brackets of a text that begin no document, beyond which no more are looked at.
    private static let missesMax = 8

    /// Looks for fields in a line: in the document that it is, or else in documents that stand in its text, and in its pairs of
    /// logfmt. False when there is no time left.
    func findFields(_ line: ByteView, isJSON: Bool, _ scratch: RedactionScratch) -> Bool {
        scratch.fields.begin()
        defer { scratch.fields.trim() }
        scratch.isUnordered = true
        if isJSON { return walk(line, 0, 0..<line.count, scratch) ?? true }
        findPairs(line, scratch)
        return findDocuments(line, 0, scratch)
    }

    /// The value of a label or of metadata whose name is that of a field goes as a whole; true: nothing else is to be said of it.
    func isField(_ name: ByteView, _ value: ByteView, _ scratch: RedactionScratch) -> Bool {
        guard let field = fields.first(where: { $0.path.isName(name) }), !value.isEmpty, !isWritten(value) else { return false }
        guard rules[field.rule].mode != .detect else {
            scratch.count(field.rule)
            return false
        }
        var patch = RedactionScratch.Patch(range: 0..<value.count, rule: field.rule)
        patch.text = write(value, rule: field.rule, scratch)
        scratch.patches.append(patch)
        return true
    }

    // MARK: Documents

    /// Documents in the text of a level: from a brace, or the bracket before it, to where they end.
    private func findDocuments(_ line: ByteView, _ level: Int, _ scratch: RedactionScratch) -> Bool {
        let text = scratch.fields.text(level, line)
        var from = 0
        var misses = 0
        while misses < Redactor.missesMax, let brace = text.firstIndex(of: UInt8(ascii: "{"), from: from) {
            var start = brace
            var before = brace - 1
            while before >= from, text[before].isJSONSpace { before -= 1 }
            if before >= from, text[before] == UInt8(ascii: "[") { start = before }
            var end = text.count
            if case .trailing(let at) = scan(text[start..<end], level, scratch) {
                end = start + at
                _ = scan(text[start..<end], level, scratch)
            }
            guard scratch.fields.cursors[level].count > 0 else {
                misses += 1
                from = start + 1
                continue
            }
            guard walkTape(line, level, start, scratch) else { return false }
            from = end
        }
        if misses > 0 { guess(line, level, scratch) }
        return true
    }

    private func scan(_ text: ByteView, _ level: Int, _ scratch: RedactionScratch) -> JSONCursor.Failure? {
        do throws(JSONCursor.Failure) {
            try scratch.fields.cursors[level].scan(text)
            return nil
        } catch {
            return error
        }
    }

    /// Looks at the document at `range` of the text of a level; nil: there is none.
    private func walk(_ line: ByteView, _ level: Int, _ range: Range<Int>, _ scratch: RedactionScratch) -> Bool? {
        guard scan(scratch.fields.text(level, line)[range], level, scratch) == nil else { return nil }
        return walkTape(line, level, range.lowerBound, scratch)
    }

    /// Looks at the document on the tape of a level, which begins at `start` of its text.
    private func walkTape(_ line: ByteView, _ level: Int, _ start: Int, _ scratch: RedactionScratch) -> Bool {
        // What stands around the document. The step of a value is the one before as many as there are containers around it.
        let base = scratch.fields.steps.count
        defer { scratch.fields.steps.removeLast(scratch.fields.steps.count - base) }
        let text = scratch.fields.text(level, line)
        var cutUpTo = -1
        var index = 0
        while index < scratch.fields.cursors[level].count {
            guard scratch.time.allows() else {
                scratch.failure = .budget
                return false
            }
            let token = scratch.fields.cursors[level][index]
            let range = start + token.start..<start + token.end
            let depth = base + token.depth - (token.isKey ? 1 : 0)
            if scratch.fields.steps.count > depth { scratch.fields.steps.removeLast(scratch.fields.steps.count - depth) }
            index += 1
            if token.isKey {
                var step = FieldWalk.Step(level: level, range: range)
                if token.isEscaped {
                    let from = scratch.fields.keys.count
                    JSONText.unescape(text[range], into: scratch.fields.keys)
                    step.decoded = from..<scratch.fields.keys.count
                }
                scratch.fields.steps.append(step)
                continue
            }
            if let field = field(token, text[range], line, scratch) {
                take(field, token, range, line, level, &cutUpTo, scratch)
                if rules[field.rule].mode != .detect {
                    index = token.next
                    continue
                }
            }
            if token.type == .array {
                scratch.fields.steps.append(FieldWalk.Step(level: level, range: 0..<0))
            } else if token.type == .string, token.isEscaped, level < FieldWalk.levelsMax {
                guard descend(line, level, range, scratch) else { return false }
            }
        }
        return true
    }

    /// The rule for the value at hand.
    private func field(_ token: JSONCursor.Token, _ value: ByteView, _ line: ByteView, _ scratch: RedactionScratch) -> Field? {
        guard let step = scratch.fields.steps.last, token.depth > 0, token.type != .null, !value.isEmpty else { return nil }
        for field in fields where scratch.fields.matches(field.path, line) {
            if token.type == .string, isWritten(value) { return nil }
            return isException(step.isElement ? ByteView() : scratch.fields.key(step, line)) ? nil : field
        }
        return nil
    }

    /// A string may hold a document, or text with documents in it, or a string that does.
    private func descend(_ line: ByteView, _ level: Int, _ range: Range<Int>, _ scratch: RedactionScratch) -> Bool {
        let string = scratch.fields.text(level, line)[range]
        guard scratch.fields.levels[level].decode(string, isJSON: true) else { return true }
        scratch.fields.strings[level] = range.lowerBound
        let inner = scratch.fields.levels[level].view
        if inner.first == UInt8(ascii: "\""), let done = walk(line, level + 1, 0..<inner.count, scratch) { return done }
        return findDocuments(line, level + 1, scratch)
    }

    /// Makes the patches for the value of a field.
    private func take(
        _ field: Field, _ token: JSONCursor.Token, _ range: Range<Int>, _ line: ByteView, _ level: Int, _ cutUpTo: inout Int,
        _ scratch: RedactionScratch
    ) {
        let mode = rules[field.rule].mode
        guard mode != .detect else { return scratch.count(field.rule) }
        let text = scratch.fields.text(level, line)
        let isString = token.type == .string
        var patch = RedactionScratch.Patch(
            range: scratch.fields.rawOffset(range.lowerBound, level)..<scratch.fields.rawOffset(range.upperBound, level), rule: field.rule)
        if !isString { patch.quoteLevel = level }
        if isString, token.isEscaped {
            scratch.fields.value.reset()
            JSONText.unescape(text[range], into: scratch.fields.value)
            patch.text = write(scratch.fields.value.view, rule: field.rule, scratch)
        } else {
            patch.text = write(text[range], rule: field.rule, scratch)
        }
        scratch.patches.append(patch)
        guard mode == .dropField, let step = scratch.fields.steps.last, !step.isElement, step.level == level else { return }
        let end = range.upperBound + (isString ? 1 : 0)
        if level == 0 { return scratch.cuts.append(RedactionScratch.Cut(name: step.range, end: end, rule: field.rule)) }
        let member = member(text, name: step.range, end: end, &cutUpTo)
        var cut = RedactionScratch.Patch(
            range: scratch.fields.rawOffset(member.lowerBound, level)..<scratch.fields.rawOffset(member.upperBound, level), rule: field.rule)
        cut.isCut = true
        scratch.patches.append(cut)
    }

    // MARK: Text

    /// What cannot be read as a document, since it was cut, is masked by its key alone: `"content": "…`, to the end of the string,
    /// or of the text. Documents in strings of it too: their quotes have backslashes in front, each with the same number.
    private func guess(_ line: ByteView, _ level: Int, _ scratch: RedactionScratch) {
        let text = scratch.fields.text(level, line)
        for word in fieldWords {
            var from = 0
            while let at = word.text.withView({ text.firstRange(of: $0, from: from) }) {
                from = at + word.text.count
                guard let slashes = Redactor.slashes(text, quote: at - 1) ?? Redactor.slashes(text, ofKeyAround: at),
                    var start = Redactor.quoteEnd(text, from, slashes)
                else { continue }
                while text.at(start).isJSONSpace { start += 1 }
                guard text.at(start) == UInt8(ascii: ":") else { continue }
                start += 1
                while text.at(start).isJSONSpace { start += 1 }
                let end: Int
                if let inside = Redactor.quoteEnd(text, start, slashes) {
                    start = inside
                    end = Redactor.stringEnd(text, start, slashes)
                } else if text.at(start) == UInt8(ascii: "[") || text.at(start) == UInt8(ascii: "{") {
                    end = slashes == 0 ? text.count : Redactor.stringEnd(text, start, slashes - 1)
                } else {
                    continue
                }
                from = max(from, end)
                guard start < end, !isWritten(text[start..<end]) else { continue }
                guard rules[word.rule].mode != .detect else {
                    scratch.count(word.rule)
                    continue
                }
                scratch.patches.append(
                    RedactionScratch.Patch(
                        range: scratch.fields.rawOffset(start, level)..<scratch.fields.rawOffset(end, level), rule: word.rule))
            }
        }
    }

    /// How many backslashes stand in front of the quote at `quote`; nil: there is none.
    private static func slashes(_ text: ByteView, quote: Int) -> Int? {
        guard text.at(quote) == UInt8(ascii: "\"") else { return nil }
        var i = quote
        while text.at(i - 1) == UInt8(ascii: "\\") { i -= 1 }
        return quote - i
    }

    /// The same for the quote in front of a key with dots, of which the word at `at` is the last part.
    private static func slashes(_ text: ByteView, ofKeyAround at: Int) -> Int? {
        guard text.at(at - 1) == UInt8(ascii: ".") else { return nil }
        let start = text.runStart(of: [.alphanumeric, .underscore, .dash, .dot], before: at, limit: 128)
        return slashes(text, quote: start - 1)
    }

    /// Behind the quote with so many backslashes that stands at `at`.
    private static func quoteEnd(_ text: ByteView, _ at: Int, _ slashes: Int) -> Int? {
        var i = at
        while i - at < slashes, text.at(i) == UInt8(ascii: "\\") { i += 1 }
        return i - at == slashes && text.at(i) == UInt8(ascii: "\"") ? i + 1 : nil
    }

    /// Where a string ends that began with such a quote: in front of the next one with as many backslashes, or fewer. What its
    /// text holds has more.
    private static func stringEnd(_ text: ByteView, _ start: Int, _ slashes: Int) -> Int {
        var from = start
        while let quote = text.firstIndex(of: UInt8(ascii: "\""), from: from) {
            var i = quote
            while i > start, text[i - 1] == UInt8(ascii: "\\") { i -= 1 }
            if quote - i <= slashes { return i }
            from = quote + 1
        }
        return text.count
    }

    /// `prompt="…"` of logfmt.
    private func findPairs(_ line: ByteView, _ scratch: RedactionScratch) {
        var at = 0
        while let pair = Redactor.nextPair(line, from: at) {
            at = pair.end
            scratch.fields.steps.append(FieldWalk.Step(level: 0, range: pair.name))
            let field = fields.first { scratch.fields.matches($0.path, line) }
            scratch.fields.steps.removeLast()
            guard let field, !pair.value.isEmpty, !isWritten(line[pair.value]), !isException(line[pair.name]) else { continue }
            guard rules[field.rule].mode != .detect else {
                scratch.count(field.rule)
                continue
            }
            var patch = RedactionScratch.Patch(range: pair.value, rule: field.rule)
            patch.text = write(line[pair.value], rule: field.rule, scratch)
            scratch.patches.append(patch)
        }
    }

    /// Whether a value is nothing but what a redactor has written.
    private func isWritten(_ value: ByteView) -> Bool {
        if value.hasPrefix("[REDACTED:"), value.firstIndex(of: UInt8(ascii: "]")) == value.count - 1 { return true }
        if value.run(of: .star, from: 0) == value.count { return true }
        return pseudonyms?.cover(value, 0..<value.count) ?? false
    }
}
