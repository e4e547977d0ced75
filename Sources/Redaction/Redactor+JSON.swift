import Bytes

// JSON lines: value by value.
extension Redactor {
    /// Whether the line is one JSON object or array; its tokens are then in `scratch.cursor`.
    func isJSON(_ line: ByteView, _ scratch: RedactionScratch) -> Bool {
        var i = 0
        while i < line.count, line[i].isJSONSpace { i += 1 }
        guard line.at(i) == UInt8(ascii: "{") || line.at(i) == UInt8(ascii: "[") else { return false }
        do throws(JSONCursor.Failure) {
            try scratch.cursor.scan(line)
            return true
        } catch {
            return false
        }
    }

    /// Looks into each value in which there is a sighting, or that stands under the name of a secret.
    func walk(_ line: ByteView, _ scratch: RedactionScratch) -> Bool {
        swap(&scratch.sightings, &scratch.lineSightings)
        var next = 0
        var names = JSONNames()
        for index in scratch.cursor.indices {
            let token = scratch.cursor[index]
            let range = Int(token.start)..<Int(token.end)
            switch token.type {
            case .object, .array:
                names.open(line, token)
                continue
            case .true, .false, .null:
                names.close()
                continue
            case .string, .number: break
            }
            while next < scratch.lineSightings.count, scratch.lineSightings[next].start < range.lowerBound { next += 1 }
            let isSighted = next < scratch.lineSightings.count && scratch.lineSightings[next].start < range.upperBound
            if token.isKey {
                let key = isSighted ? classify(line[range], isEscaped: token.isEscaped, scratch) : nil
                names.enter(token, key)
                // An address may be a key as well: `{"jane@example.com": 3}`.
                guard !(isSighted || scratch.matchesOwn) || inspect(line[range], at: range.lowerBound, scratch) else {
                    return false
                }
                continue
            }
            let found = names.key(line, token)
            let name = names.name
            // `{"name": "password", "value": "x"}`: this value is a name.
            if isSighted, token.type == .string, names.mayHoldName(line, token) {
                names.hold(line, token, classify(line[range], isEscaped: token.isEscaped, scratch))
            }
            defer { names.close() }
            guard isSighted || found.key != nil || scratch.matchesOwn, !isException(line[name]) else { continue }
            let first = scratch.patches.count
            let scanned = inspect(
                line[range], at: range.lowerBound, key: found.key, isGuess: found.isGuess,
                isNumber: token.type == .number, isIdentifier: isIdentifier(line[name]), scratch)
            guard scanned else { return false }
            if dropsFields {
                let end = token.type == .string ? range.upperBound + 1 : range.upperBound
                cutMember(name: name, end: end, patchesFrom: first, scratch)
            }
        }
        return true
    }

    private func classify(_ name: ByteView, isEscaped: Bool, _ scratch: RedactionScratch) -> SecretKey? {
        isEscaped && scratch.levels[0].decode(name)
            ? SecretKey.classify(scratch.levels[0].view) : SecretKey.classify(name)
    }
}
