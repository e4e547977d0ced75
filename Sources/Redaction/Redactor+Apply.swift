import Bytes

// What stands in place of a finding.
extension Redactor {
    /// Turns the findings of one text into patches of the line, in which it begins at `base`. `isNumber`: it is a number of
    /// JSON, which is replaced whole.
    func patch(_ subject: Subject, at base: Int, isNumber: Bool, _ scratch: RedactionScratch) {
        for finding in scratch.findings {
            let start = isNumber ? 0 : subject.rawOffset(finding.range.lowerBound)
            let end = isNumber ? subject.raw.count : subject.rawOffset(finding.range.upperBound, roundingUp: true)
            var patch = RedactionScratch.Patch(range: base + start..<base + end, rule: finding.rule)
            if isNumber { patch.quoteLevel = 0 }
            patch.isWider = !finding.isWhole
            if finding.isWhole { patch.text = write(subject.text[finding.range], rule: finding.rule, scratch) }
            scratch.patches.append(patch)
            if isNumber { break }
        }
    }

    /// Replacements that need the decoded value.
    func write(_ value: ByteView, rule: Int, _ scratch: RedactionScratch) -> Range<Int>? {
        let start = scratch.written.count
        let detector = Detector(number: rule)
        switch rules[rule].mode {
        case .pseudonym:
            guard let pseudonyms else { return nil }
            pseudonyms.write(value, kind: rules[rule].name, detector, into: scratch.written)
        case .truncateIP, .partial:
            guard detector == .ip || rules[rule].mode == .truncateIP else { return nil }
            let end = value.firstIndex(of: UInt8(ascii: "%")) ?? value.count
            guard let address = IPAddress(value.prefix(end)) else { return nil }
            address.writeNetwork(into: scratch.written)
        default: return nil
        }
        return start..<scratch.written.count
    }

    /// Counts the patches and writes the line with them, by their modes.
    func apply(_ line: ByteView, _ scratch: RedactionScratch, into out: ByteArena) -> Outcome {
        guard !scratch.patches.isEmpty else { return .clean }
        var dropping: Int?
        var isPairCut = false
        for patch in scratch.patches where !patch.isCut {
            scratch.count(patch.rule)
            switch rules[patch.rule].mode {
            case .dropLine: dropping = dropping ?? patch.rule
            case .dropField: isPairCut = true
            default: break
            }
        }
        if let dropping {
            if scratch.target == .line { scratch.countDropped(by: dropping) }
            return .dropped
        }
        // Labels and metadata are pairs themselves.
        if isPairCut, scratch.target != .line { return .changed }
        if scratch.isUnordered {
            scratch.patches.sort {
                $0.range.lowerBound != $1.range.lowerBound
                    ? $0.range.lowerBound < $1.range.lowerBound : $0.range.upperBound > $1.range.upperBound
            }
        }
        var written = 0
        var isChanged = false
        for patch in scratch.patches where rules[patch.rule].mode != .detect {
            // Disjoint and ascending but for what is cut; should two ever touch one escape, nothing is written twice.
            let start = max(patch.range.lowerBound, written)
            guard start < patch.range.upperBound else { continue }
            out.append(line[written..<start])
            if !patch.isCut {
                writeQuote(patch.quoteLevel, into: out)
                replace(line[start..<patch.range.upperBound], patch, scratch, into: out)
                writeQuote(patch.quoteLevel, into: out)
            }
            written = patch.range.upperBound
            isChanged = true
        }
        guard isChanged else { return .clean }
        out.append(line.suffix(from: written))
        return .changed
    }

    /// A quote of a document in a string of a document …: each level escapes what the one below has written.
    private func writeQuote(_ level: Int?, into out: ByteArena) {
        guard let level else { return }
        for _ in 1..<1 << level { out.append(UInt8(ascii: "\\")) }
        out.append(UInt8(ascii: "\""))
    }

    private func replace(_ raw: ByteView, _ patch: RedactionScratch.Patch, _ scratch: RedactionScratch, into out: ByteArena) {
        if let text = patch.text { return out.append(scratch.written[text]) }
        switch rules[patch.rule].mode {
        case .charMask:
            for _ in 0..<raw.count { out.append(UInt8(ascii: "*")) }
        case .partial where !patch.isWider && Redactor.writeHarmlessRest(of: raw, Detector(number: patch.rule), into: out): break
        default: out.append(replacements[patch.rule])
        }
    }

    /// The part of a finding that may stay; false, and nothing written, where there is none. What is written holds
    /// letters, digits and `@.-_+*` only, and no detector takes it for a finding again.
    private static func writeHarmlessRest(of raw: ByteView, _ detector: Detector?, into out: ByteArena) -> Bool {
        let plain: ByteClass = [.base64URL, .dot, .base64Extra]
        for i in raw.indices where !plain.contains(byte: raw[i]) && raw[i] != UInt8(ascii: "@") && raw[i] != 0x20 {
            return false
        }
        switch detector {
        case .email:
            guard let at = raw.firstIndex(of: UInt8(ascii: "@")), at > 1 else { return false }
            out.append(raw[0..<1])
            out.append("***")
            out.append(raw.suffix(from: at))
        case .card:
            // PCI DSS permits the last four.
            out.append("****")
            out.append(raw.suffix(4))
        case .iban:
            out.append(raw.prefix(2))
            out.append("****")
            out.append(raw.suffix(4))
        case .ssn:
            out.append("***-**-")
            out.append(raw.suffix(4))
        case .apiKey, .jwt:
            guard raw.count >= 16 else { return false }
            out.append(raw.prefix(4))
            out.append("****")
        case .privateKey, .authorization, .urlCredential, .secret, .ip, nil: return false
        }
        return true
    }
}
