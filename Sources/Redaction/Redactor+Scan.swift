import Bytes

// Where something may be, and what it is.
extension Redactor {
    /// A line with more triggers than this is not looked at but replaced: it would take memory without end.
    static let sightingsMax = 1 << 18

    /// Collects in `scratch.sightings`, ascending, where detectors must look. False when the engine failed.
    func sight(_ text: ByteView, _ scratch: RedactionScratch) -> Bool {
        scratch.sightings.removeAll(keepingCapacity: true)
        if scratch.failsNextScan {
            scratch.failsNextScan = false
            return false
        }
        guard scratch.marks.scan(text, marksMax: Redactor.sightingsMax) else {
            scratch.failure = .candidates
            return false
        }
        for i in 0..<scratch.marks.count {
            let mark = scratch.marks[i]
            guard isPlausible(mark, in: text) else { continue }
            scratch.sightings.append(
                RedactionScratch.Sighting(start: mark.at, end: mark.at + 1, trigger: -1, kind: mark.kind)
            )
        }
        if detectors.contains(.ip) {
            let isBounded = IPDetector.sight(text, most: Redactor.sightingsMax) { start in
                scratch.sightings.append(
                    RedactionScratch.Sighting(start: start, end: start + 1, trigger: RedactionScratch.Sighting.address, kind: .at))
            }
            guard isBounded else {
                scratch.failure = .candidates
                return false
            }
        }
        if let scanner, let memory = scratch.triggers {
            guard scanner.scan(text, memory, hitsMax: Redactor.sightingsMax) else { return false }
            for hit in memory.hits {
                let index = Int(hit.id)
                guard triggers.indices.contains(index) else {
                    guard index < triggers.count + fieldWords.count else { return false }
                    scratch.seesFields = true
                    continue
                }
                let start = hit.end - triggers[index].length
                guard start >= 0, triggers[index].isPlausible(in: text, start, hit.end) else { continue }
                scratch.sightings.append(
                    RedactionScratch.Sighting(start: start, end: hit.end, trigger: index, kind: .hidden)
                )
            }
        }
        if scratch.sightings.count > 1 { scratch.sightings.sort { $0.start < $1.start } }
        return true
    }

    /// Whether a mark in text that may hold escapes can be confirmed: all that does not depend on what stands in front,
    /// where an escape may end with a letter or digit. What escapes hide has marks of its own.
    private func isPlausible(_ mark: MarkScanner.Mark, in text: ByteView) -> Bool {
        switch mark.kind {
        case .at: text.at(mark.at - 1) > 0x20 && text.at(mark.at + 1) > 0x20
        case .card: detectors.contains(.card) && CardDetector.match(text, at: mark.at, escaped: true) != nil
        case .ssn: detectors.contains(.ssn) && SSNDetector.match(text, at: mark.at, escaped: true) != nil
        case .iban: detectors.contains(.iban) && IBANDetector.match(text, at: mark.at, escaped: true) != nil
        case .wideGap:
            (detectors.contains(.card) && CardDetector.match(text, wideGap: mark.at, escaped: true) != nil)
                || (detectors.contains(.ssn) && SSNDetector.match(text, wideGap: mark.at, escaped: true) != nil)
        case .hidden: true
        }
    }

    /// Looks into one text (a line, or a value that begins at `base` of the line) and appends the patches for it.
    /// `sighted`: `scratch.sightings` are those of this very text. `key`: what the name of the value says about it.
    /// `isGuess`: it may say nothing, so that the value must look like a secret too. `isNumber`: a JSON number, which is replaced whole. `isIdentifier`: numbers in it are no cards. False when the
    /// engine failed.
    func inspect(
        _ raw: ByteView,
        at base: Int,
        sighted: Bool = false,
        key: SecretKey? = nil,
        isGuess: Bool = false,
        isNumber: Bool = false,
        isIdentifier: Bool = false,
        _ scratch: RedactionScratch
    ) -> Bool {
        var text = raw
        var depth = 0
        while depth < Redactor.depthMax, scratch.levels[depth].decode(text) {
            text = scratch.levels[depth].view
            depth += 1
        }
        defer { for level in scratch.levels { level.trim() } }
        if depth > 0 || !sighted {
            guard sight(text, scratch) else { return false }
        }
        var subject = Subject(text: text, raw: raw, levels: scratch.levels, depth: depth)
        subject.mayBeCut = sighted && raw.count >= Redactor.cutMin
        scratch.findings.removeAll(keepingCapacity: true)
        if let key, let whole = keyed(subject, key, isGuess: isGuess, scratch) {
            scratch.findings.append(Finding(detector: whole, range: 0..<text.count))
        } else {
            detect(subject, scratch)
            if scratch.isOverBudget {
                scratch.isOverBudget = false
                scratch.failure = .budget
                return false
            }
            spare(subject, scratch)
        }
        if isIdentifier { scratch.findings.removeAll { $0.detector?.isNumber == true } }
        if scratch.matchesOwn, !matchOwn(text, scratch) {
            scratch.failure = .budget
            return false
        }
        if scratch.findings.isEmpty { return true }
        if let pseudonyms { scratch.findings.removeAll { pseudonyms.cover(text, $0.range) } }
        if watches { watch(scratch) }
        Finding.resolve(&scratch.findings)
        patch(subject, at: base, isNumber: isNumber, scratch)
        return true
    }

    /// Counts what rules have found that only watch, and lets go of it, so that it widens nothing.
    private func watch(_ scratch: RedactionScratch) {
        var watched = scratch.findings.filter { rules[$0.rule].mode == .detect }
        guard !watched.isEmpty else { return }
        scratch.findings.removeAll { rules[$0.rule].mode == .detect }
        Finding.resolve(&watched)
        for finding in watched { scratch.count(finding.rule) }
    }

    /// What the key alone says: the detector when the whole value is secret, else nil with parts in `findings`.
    private func keyed(_ subject: Subject, _ key: SecretKey, isGuess: Bool, _ scratch: RedactionScratch) -> Detector? {
        let text = subject.text
        switch key {
        case .anyValue, .keyLike, .tokenLike, .mixed, .digits:
            if isGuess, key == .anyValue, !SecretKey.isStrong(text) { return nil }
            return detectors.contains(.secret) && key.accepts(text, quoted: true) ? .secret : nil
        case .socialSecurity:
            guard detectors.contains(.ssn),
                let range = SSNDetector.match(text, at: 0) ?? SSNDetector.matchBare(text, at: 0),
                range.count == text.count
            else { return nil }
            return .ssn
        case .authorization:
            if detectors.contains(.authorization),
                let range = AuthorizationDetector.credential(text, 0, end: text.count)
            {
                scratch.findings.append(Finding(detector: .authorization, range: range))
            }
        case .cookie:
            if detectors.contains(.authorization) {
                AuthorizationDetector.cookies(text, 0, end: text.count, into: &scratch.findings)
            }
        case .queryParameter: break
        }
        return nil
    }

    /// Runs the validators around all sightings.
    private func detect(_ subject: Subject, _ scratch: RedactionScratch) {
        let text = subject.text
        // Up to here tokens, or values, are found already: words inside them call nobody, which keeps this linear.
        var tokensEnd = 0
        var valuesEnd = 0
        var memory = URLCredentialDetector.Memory()
        for sighting in scratch.sightings {
            guard scratch.time.allows() else {
                scratch.isOverBudget = true
                return
            }
            let before = scratch.findings.count
            if sighting.trigger == RedactionScratch.Sighting.address {
                add(.ip, IPDetector.match(text, at: sighting.start), scratch)
                continue
            }
            if sighting.trigger < 0 {
                mark(subject, sighting, &memory, scratch)
                continue
            }
            switch triggers[sighting.trigger].action {
            case .apiKey(let rule):
                guard sighting.start >= tokensEnd else { continue }
                let key = APIKeyDetector.match(text, rule, literal: sighting.start, sighting.end)
                let cut = key == nil && subject.mayBeCut
                add(
                    .apiKey, cut ? APIKeyDetector.matchCut(text, rule, literal: sighting.start, sighting.end) : key,
                    scratch)
            case .jwt: add(.jwt, JWTDetector.match(text, at: sighting.start), scratch)
            case .pem where sighting.start < tokensEnd, .putty where sighting.start < tokensEnd: continue
            case .secretWord where sighting.start < valuesEnd, .queryWord where sighting.start < valuesEnd: continue
            case .pem, .putty:
                let key =
                    sighting.end - sighting.start == PrivateKeyDetector.puttyLength
                    ? PrivateKeyDetector.matchPuTTY(text, at: sighting.start)
                    : PrivateKeyDetector.match(text, at: sighting.start)
                if let key, !PrivateKeyDetector.ends(text, in: key) { scratch.opensKey = true }
                add(.privateKey, key, scratch)
            case .secretWord: SecretDetector.match(subject, word: sighting.start, sighting.end, into: &scratch.findings)
            case .queryWord:
                // Its literal ends with the sign.
                SecretDetector.match(subject, word: sighting.start, sighting.end - 1, into: &scratch.findings)
            case .bearer:
                add(
                    .authorization,
                    AuthorizationDetector.matchBearer(text, behind: sighting.end, wordStart: sighting.start),
                    scratch
                )
            case .basic:
                add(
                    .authorization,
                    AuthorizationDetector.matchBasic(text, behind: sighting.end, wordStart: sighting.start),
                    scratch
                )
            case .socialSecurity: add(.ssn, SSNDetector.match(text, word: sighting.start, sighting.end), scratch)
            }
            for finding in scratch.findings[before...] {
                guard let detector = finding.detector, detectors.contains(detector) else { continue }
                switch detector {
                case .apiKey, .privateKey: tokensEnd = max(tokensEnd, finding.range.upperBound)
                default: valuesEnd = max(valuesEnd, finding.range.upperBound)
                }
            }
        }
        // A word may call on more than one detector, of which some are switched off.
        if detectors.count < Detector.count {
            scratch.findings.removeAll { finding in finding.detector.map { !detectors.contains($0) } ?? false }
        }
    }

    private func mark(
        _ subject: Subject,
        _ sighting: RedactionScratch.Sighting,
        _ memory: inout URLCredentialDetector.Memory,
        _ scratch: RedactionScratch
    ) {
        let text = subject.text
        switch sighting.kind {
        case .at:
            if let password = URLCredentialDetector.match(subject, at: sighting.start, &memory) {
                add(.urlCredential, password, scratch)
            } else if !isUserPart(memory, sighting.start) {
                add(.email, EmailDetector.match(text, at: sighting.start), scratch)
            }
        case .card: add(.card, CardDetector.match(text, at: sighting.start), scratch)
        case .ssn: add(.ssn, SSNDetector.match(text, at: sighting.start), scratch)
        case .wideGap:
            add(.card, CardDetector.match(text, wideGap: sighting.start), scratch)
            add(.ssn, SSNDetector.match(text, wideGap: sighting.start), scratch)
        case .iban: add(.iban, IBANDetector.match(text, at: sighting.start), scratch)
        case .hidden: break
        }
    }

    /// Whether the `@` ends the user part of a URL: `postgres://app:***@db.example.com` holds no address.
    private func isUserPart(_ memory: URLCredentialDetector.Memory, _ at: Int) -> Bool {
        memory.at == at && memory.start != nil
    }

    private func add(_ detector: Detector, _ range: Range<Int>?, _ scratch: RedactionScratch) {
        guard let range, !range.isEmpty, detectors.contains(detector) else { return }
        scratch.findings.append(Finding(detector: detector, range: range))
    }
}
