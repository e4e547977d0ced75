import Bytes
import LogModel

/// `| json`: strings, numbers and booleans of an object become labels, those of nested objects with the keys joined by
/// `_`. Nulls and arrays are skipped. Values keep their source text, strings are decoded.
///
/// A line of strict JSON is scanned once into the cursor's tape. Everything else goes through `JSONTolerant`, which
/// keeps the labels in front of a fault and sets `JSONParserErr`. When hints limit the labels, reading ends as soon as
/// all are found; what is wrong behind them is then not seen.
package struct JSONParser: Sendable {
    /// Objects nested deeper than this are skipped: each level of a tolerant scan reads its text again.
    static let depthMax = 64

    package init() {}

    func process(_ state: inout LineState) -> Bool {
        if state.isSatisfied { return true }
        do throws(JSONFault) {
            state.nameBuffer.reset()
            if Self.scan(&state) {
                guard state.json.count > 0, state.json[0].isObject else { throw .object }
                _ = try strict(0, depth: 1, &state)
            } else {
                _ = try tolerant(0, depth: 1, &state)
            }
        } catch {
            state.fail(.json, error.text)
        }
        return !state.isRejected
    }

    /// Scans the line into the tape; false where it is not strict JSON.
    static func scan(_ state: inout LineState) -> Bool {
        let line = state.line
        // What cannot be an object needs no scan.
        guard let first = line.first, first == 0x7B || first.isJSONSpace else { return false }
        do {
            try state.json.scan(line)
            return true
        } catch {
            return false
        }
    }

    /// Extracts from the object at `index` of the tape; `nameBuffer` holds the keys around it. False when nothing more
    /// is wanted.
    private func strict(_ index: Int, depth: Int, _ state: inout LineState) throws(JSONFault) -> Bool {
        let end = state.json[index].following
        let line = state.line
        let prefix = state.nameBuffer.count
        let rejects = state.hints.limits && !state.hints.mayCollide && prefix == 0
        var i = index + 1
        while i + 1 < end {
            let at = i + 1
            let member = state.json.member(at: i)
            i = member.next
            if member.isObject {
                guard depth < Self.depthMax else { continue }
                try JSONName.append(line[member.key], isEscaped: member.isKeyEscaped, &state)
                let isWanted = state.hints.wants(prefix: state.nameBuffer.view)
                let goesOn = isWanted ? try strict(at, depth: depth + 1, &state) : true
                state.nameBuffer.truncate(to: prefix)
                if !goesOn { return false }
                continue
            }
            if member.isNullOrArray { continue }
            let name = line[member.key]
            if rejects, !member.isKeyEscaped, JSONName.surelyRefused(name, state.hints) { continue }
            guard let slot = try JSONName.admit(name, isEscaped: member.isKeyEscaped, &state) else { continue }
            if member.isString {
                let piece = JSONValueText.piece(
                    member.value,
                    isEscaped: member.isValueEscaped,
                    isASCII: member.isValueASCII,
                    &state
                )
                state.setParsed(slot, piece)
            } else {
                state.setParsed(slot, state.linePiece(member.value))
            }
            if state.isDone { return false }
        }
        return true
    }

    private func tolerant(_ start: Int, depth: Int, _ state: inout LineState) throws(JSONFault) -> Bool {
        let line = state.line
        let prefix = state.nameBuffer.count
        var members = try JSONTolerant.Members(JSONTolerant(text: line), at: start)
        while let member = try members.next() {
            switch member.value.kind {
            case .object:
                if depth < Self.depthMax {
                    try JSONName.append(line[member.key], isEscaped: member.isKeyEscaped, &state)
                    let goesOn: Bool
                    if state.hints.wants(prefix: state.nameBuffer.view) {
                        goesOn = try tolerant(member.value.range.lowerBound, depth: depth + 1, &state)
                    } else {
                        goesOn = true
                    }
                    state.nameBuffer.truncate(to: prefix)
                    if !goesOn { return false }
                }
            case .string, .number, .boolean:
                if let slot = try JSONName.admit(line[member.key], isEscaped: member.isKeyEscaped, &state) {
                    if member.value.kind == .string {
                        let piece = JSONValueText.piece(
                            member.value.range,
                            isEscaped: member.value.isEscaped,
                            isASCII: false,
                            &state
                        )
                        state.setParsed(slot, piece)
                    } else {
                        state.setParsed(slot, state.linePiece(member.value.range))
                    }
                    if state.isDone { return false }
                }
            case .null, .array: break
            }
            try members.advance()
        }
        return true
    }
}

/// Names of labels from the keys of a JSON document.
enum JSONName {
    /// Adds a key to the keys in `nameBuffer`. A key of blanks adds nothing.
    static func append(_ key: ByteView, isEscaped: Bool, _ state: inout LineState) throws(JSONFault) {
        var key = key
        if isEscaped {
            state.scratch.reset()
            guard JSONValueText.unescape(key, into: state.scratch) else { throw .escape }
            key = state.scratch.view
        }
        key = LabelSanitizer.trim(key)
        if key.isEmpty { return }
        let isFirst = state.nameBuffer.isEmpty
        if !isFirst { state.nameBuffer.append(0x5F as UInt8) }
        LabelSanitizer.append(key, to: state.nameBuffer, leading: isFirst)
    }

    /// Asks for the label of a key behind the keys in `nameBuffer`, which stay; nil where it is not wanted.
    static func admit(
        _ key: ByteView,
        isEscaped: Bool,
        _ state: inout LineState
    ) throws(JSONFault) -> LineState.ParsedSlot? {
        let admission: LineState.Admission
        if !isEscaped, state.nameBuffer.isEmpty, LabelSanitizer.isClean(key) {
            admission = state.admit(key)
        } else {
            let prefix = state.nameBuffer.count
            try append(key, isEscaped: isEscaped, &state)
            if state.nameBuffer.isEmpty { return nil }
            admission = state.admit(state.nameBuffer.view)
            state.nameBuffer.truncate(to: prefix)
        }
        guard case .granted(let slot) = admission else { return nil }
        return slot
    }

    /// Whether a plain key cannot be a required label because no required name is as long. Cheap; false when unsure.
    static func surelyRefused(_ key: ByteView, _ hints: ParserHints) -> Bool {
        guard let first = key.first, let last = key.last else { return true }
        // Blanks at the ends, a digit in front and characters beyond ASCII change the length.
        guard first.isLetter || first == 0x5F, last > 0x20, last < 0x80 else { return false }
        if hints.wants(length: key.count) {
            // What is left must be equal, but where a character is replaced by `_`.
            if hints.required.count > 8 { return false }
            for name in hints.required where name.bytes.count == key.count {
                if name.bytes == key { return false }
            }
            return LabelSanitizer.isClean(key)
        }
        return key.allSatisfy { $0 < 0x80 }
    }
}
