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

    /// Looks into each value in which there is a sighting, or whose key is the name of a secret.
    func walk(_ line: ByteView, _ scratch: RedactionScratch) -> Bool {
        swap(&scratch.sightings, &scratch.lineSightings)
        var next = 0
        var name = 0..<0
        var key: SecretKey?
        for index in scratch.cursor.indices {
            let token = scratch.cursor[index]
            let range = Int(token.start)..<Int(token.end)
            switch token.type {
            case .object, .array, .true, .false, .null:
                (name, key) = (0..<0, nil)
                continue
            case .string, .number: break
            }
            while next < scratch.lineSightings.count, scratch.lineSightings[next].start < range.lowerBound { next += 1 }
            let isSighted = next < scratch.lineSightings.count && scratch.lineSightings[next].start < range.upperBound
            if token.isKey {
                name = range
                key = isSighted ? classify(line[range], isEscaped: token.isEscaped, scratch) : nil
                // An address may be a key as well: `{"jane@example.com": 3}`.
                guard !isSighted || inspect(line[range], at: range.lowerBound, scratch) else { return false }
                continue
            }
            defer { (name, key) = (0..<0, nil) }
            guard isSighted || key != nil, !isException(line[name]) else { continue }
            let scanned = inspect(
                line[range], at: range.lowerBound, key: key, isNumber: token.type == .number,
                isIdentifier: isIdentifier(line[name]), scratch)
            guard scanned else { return false }
        }
        return true
    }

    private func classify(_ name: ByteView, isEscaped: Bool, _ scratch: RedactionScratch) -> SecretKey? {
        isEscaped && scratch.levels[0].decode(name)
            ? SecretKey.classify(scratch.levels[0].view) : SecretKey.classify(name)
    }

    func isException(_ name: ByteView) -> Bool { contains(exceptions, name) }
    func isIdentifier(_ name: ByteView) -> Bool { contains(identifiers, name) }

    private func contains(_ names: [ByteString], _ name: ByteView) -> Bool {
        guard !name.isEmpty else { return false }
        for other in names where other == name { return true }
        return false
    }
}
