import Bytes

/// `| unpack`: undoes Promtail's `pack`. The `_entry` of an object becomes the line, its other string fields labels.
/// Without an `_entry` nothing changes; a line that is no object gets `JSONParserErr`.
///
/// Hints that need no label leave labels and errors away, but the line is unpacked all the same: later filters look at
/// it.
package struct UnpackParser: Sendable {
    package init() {}

    func process(_ state: inout LineState) -> Bool {
        let line = state.line
        guard let first = line.first else { return true }
        let isQuiet = state.isSatisfied
        guard first == 0x7B else {
            if !isQuiet { state.fail(.json, JSONFault.notPacked.text) }
            return true
        }
        do throws(JSONFault) {
            // First whether there is an entry and no fault: labels are set only then.
            guard let entry = try entry(line, &state) else { return true }
            if !isQuiet { try extract(line, &state) }
            let text = JSONValueText.piece(entry.range, isEscaped: entry.isEscaped, isASCII: false, &state)
            state.setLine(state.view(text))
        } catch {
            if !isQuiet { state.fail(.json, error.text) }
        }
        return !state.isRejected
    }

    private func entry(_ line: ByteView, _ state: inout LineState) throws(JSONFault) -> JSONTolerant.Value? {
        var entry: JSONTolerant.Value?
        var members = try JSONTolerant.Members(JSONTolerant(text: line), at: 0)
        while let member = try members.next() {
            if member.isKeyEscaped {
                state.scratch.reset()
                guard JSONValueText.unescape(line[member.key], into: state.scratch) else { throw .escape }
            }
            if member.value.kind == .string, line[member.key] == ByteView("_entry") { entry = member.value }
            try members.advance()
        }
        return entry
    }

    private func extract(_ line: ByteView, _ state: inout LineState) throws(JSONFault) {
        var members = try JSONTolerant.Members(JSONTolerant(text: line), at: 0)
        while let member = try members.next() {
            if member.value.kind == .string, line[member.key] != ByteView("_entry") {
                state.nameBuffer.reset()
                if let slot = try JSONName.admit(line[member.key], isEscaped: member.isKeyEscaped, &state) {
                    let piece = JSONValueText.piece(
                        member.value.range,
                        isEscaped: member.value.isEscaped,
                        isASCII: false,
                        &state
                    )
                    state.setParsed(slot, piece)
                }
            }
            try members.advance()
        }
    }
}
