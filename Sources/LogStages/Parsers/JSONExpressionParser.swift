import Bytes

/// `| json label="path", …`: the listed paths only. Every label is there afterwards, empty where its path leads nowhere
/// or to null. Objects and arrays give their text. Of equal keys the first one counts.
///
/// A line that does not start with `{`, `[` or `"` gets `JSONParserErr` without details and no labels; an empty line is
/// left alone. In other broken lines only what a path meets is looked at.
package struct JSONExpressionParser: Sendable {
    private struct Target: Sendable {
        var label: LabelName
        var suffixed: LabelName
        var steps: [JSONPath.Step]
        /// A path over all elements of an array, or their number.
        var isExtended: Bool
    }

    private let targets: [Target]
    private let depthMax: Int

    package init(_ expressions: [FieldExpression]) throws(StageError) {
        var targets: [Target] = []
        for expression in expressions {
            let path = try JSONPath(expression.path)
            targets.append(
                Target(
                    label: LabelName(expression.label),
                    suffixed: LabelName(ByteString(expression.label.bytes + Array("_extracted".utf8))),
                    steps: path.steps,
                    isExtended: path.isExtended
                )
            )
        }
        self.targets = targets
        depthMax = targets.map(\.steps.count).max() ?? 0
    }

    package var labels: [ByteString] { targets.map(\.label.bytes) }

    func process(_ state: inout LineState) -> Bool {
        if state.isSatisfied { return true }
        guard let first = state.line.first else { return true }
        guard first == 0x7B || first == 0x5B || first == 0x22 else {
            state.fail(.json, nil)
            return true
        }
        var isStrict = true
        do { try state.json.scan(state.line) } catch { isStrict = false }
        if isStrict {
            for target in targets { strict(target, &state) }
        } else {
            tolerant(&state)
        }
        for target in targets where !state.baseHas(target.label) && state.value(target.label) == nil {
            state.set(target.label, ByteView())
        }
        return true
    }

    private func set(_ target: Target, _ piece: LineState.Piece, _ state: inout LineState) {
        state.set(state.baseHas(target.label) ? target.suffixed : target.label, piece)
    }

    // MARK: Strict

    private func strict(_ target: Target, _ state: inout LineState) {
        if target.isExtended { return elements(target, &state) }
        guard state.json.count > 0, let found = find(target.steps[...], 0, &state) else { return }
        let token = state.json[found]
        if token.isNull {
            set(target, state.linePiece(0..<0), &state)
        } else if token.isString {
            set(
                target,
                JSONValueText.piece(token.range, isEscaped: token.isEscaped, isASCII: token.isASCII, &state),
                &state
            )
        } else {
            set(target, state.linePiece(token.range), &state)
        }
    }

    /// The first token at the end of the path from the value at `index`. Among equal keys each is tried.
    private func find(_ steps: ArraySlice<JSONPath.Step>, _ index: Int, _ state: inout LineState) -> Int? {
        guard let step = steps.first else { return index }
        let container = state.json[index]
        let line = state.line
        switch step {
        case .key(let name):
            guard container.isObject else { return nil }
            var i = index + 1
            while i + 1 < container.following {
                let key = state.json[i]
                let isMatch: Bool
                if key.isEscaped {
                    state.scratch.reset()
                    isMatch = JSONValueText.unescape(line[key.range], into: state.scratch) && name == state.scratch.view
                } else {
                    isMatch = key.length == name.count && name == line[key.range]
                }
                if isMatch, let found = find(steps.dropFirst(), i + 1, &state) { return found }
                i = state.json[i + 1].following
            }
            return nil
        case .all, .count: return nil
        case .index(let wanted):
            guard container.isArray else { return nil }
            var i = index + 1
            var n = 0
            while i < container.following {
                if n == wanted { return find(steps.dropFirst(), i, &state) }
                n += 1
                i = state.json[i].following
            }
            return nil
        }
    }

    // MARK: Elements

    /// `[*]` gives an array of what the rest of the path leads to, as JSON; `[#]` a number. Of documents that are no
    /// strict JSON, nothing.
    private func elements(_ target: Target, _ state: inout LineState) {
        guard state.json.count > 0, let split = target.steps.firstIndex(where: { $0 == .all || $0 == .count }),
            let array = find(target.steps[..<split], 0, &state), state.json[array].isArray
        else { return }
        let text = ByteArena()
        if target.steps[split] == .count {
            text.append(ByteString("\(count(array, &state))"))
        } else {
            text.append(0x5B as UInt8)
            gather(target.steps[(split + 1)...], array, into: text, &state)
            text.append(0x5D as UInt8)
        }
        set(target, state.store(text.view), &state)
    }

    private func count(_ array: Int, _ state: inout LineState) -> Int {
        var n = 0
        var i = array + 1
        while i < state.json[array].following {
            n += 1
            i = state.json[i].following
        }
        return n
    }

    /// Appends what `steps` lead to from each element, with commas between.
    private func gather(
        _ steps: ArraySlice<JSONPath.Step>,
        _ array: Int,
        into text: ByteArena,
        _ state: inout LineState
    ) {
        let line = state.line
        let split = steps.firstIndex { $0 == .all || $0 == .count }
        var i = array + 1
        while i < state.json[array].following {
            let element = i
            i = state.json[i].following
            guard let found = find(split.map { steps[..<$0] } ?? steps, element, &state) else { continue }
            let token = state.json[found]
            if let split {
                guard token.isArray else { continue }
                if steps[split] == .all {
                    gather(steps[(split + 1)...], found, into: text, &state)
                    continue
                }
            }
            if text.count > 1 { text.append(0x2C as UInt8) }
            if split != nil {
                text.append(ByteString("\(count(found, &state))"))
            } else if token.isString {
                text.append(0x22 as UInt8)
                text.append(line[token.range])
                text.append(0x22 as UInt8)
            } else {
                text.append(line[token.range])
            }
        }
    }

    // MARK: Tolerant

    /// One pass over the text that keeps track of the keys around, as jsonparser's `EachKey`: it goes on behind the end
    /// of the document, and its idea of depth is the number of open braces.
    private func tolerant(_ state: inout LineState) {
        let line = state.line
        let scanner = JSONTolerant(text: line)
        var matched = [Bool](repeating: false, count: targets.count)
        var left = targets.count
        // The key at each level, as deep as paths go.
        var keys = [ByteString](repeating: ByteString(), count: depthMax)
        var level = 0
        var i = 0
        while i < line.count {
            switch line[i] {
            case 0x22:
                guard let string = scanner.stringEnd(i + 1) else { return }
                guard let next = scanner.token(string.end) else { return }
                guard line[next] == 0x3A else {
                    i = next
                    continue
                }
                guard level >= 1 else {
                    state.fail(.json, JSONFault.malformed.text)
                    return
                }
                if level <= depthMax {
                    let raw = line[i + 1..<string.end - 1]
                    if string.isEscaped {
                        state.scratch.reset()
                        guard JSONValueText.unescape(raw, into: state.scratch) else { return }
                        keys[level - 1] = ByteString(state.scratch.view)
                    } else {
                        keys[level - 1] = ByteString(raw)
                    }
                    for t in targets.indices where !matched[t] && isAt(targets[t].steps, keys, level) {
                        matched[t] = true
                        left -= 1
                        take(targets[t], next + 1, &state)
                        if left == 0 { return }
                    }
                }
                i = next + 1
            case 0x7B:
                level += 1
                i += 1
            case 0x7D, 0x5D:
                level -= 1
                i += 1
            case 0x5B:
                guard level >= 0 else {
                    state.fail(.json, JSONFault.malformed.text)
                    return
                }
                for t in targets.indices where !matched[t] && targets[t].steps.count > level {
                    guard case .index(let wanted) = targets[t].steps[level],
                        isAt(targets[t].steps[0..<level], keys, level),
                        let at = element(wanted, of: i, scanner)
                    else { continue }
                    matched[t] = true
                    left -= 1
                    takeInside(targets[t], targets[t].steps[(level + 1)...], at, &state)
                    if left == 0 { return }
                }
                guard let end = scanner.blockEnd(i, 0x5B, 0x5D) else { return }
                i = end
            default: i += 1
            }
        }
    }

    private func isAt(_ steps: some RandomAccessCollection<JSONPath.Step>, _ keys: [ByteString], _ level: Int) -> Bool {
        guard steps.count == level else { return false }
        for (step, key) in zip(steps, keys) {
            guard case .key(let name) = step, name == key else { return false }
        }
        return true
    }

    private func element(_ wanted: Int, of open: Int, _ scanner: JSONTolerant) -> Int? {
        var at = open + 1
        var n = 0
        while let start = scanner.token(at), scanner.text[start] != 0x5D {
            if n == wanted { return start }
            guard let value = try? scanner.value(start), let next = scanner.token(value.end),
                scanner.text[next] == 0x2C
            else { return nil }
            n += 1
            at = next + 1
        }
        return nil
    }

    private func takeInside(
        _ target: Target,
        _ steps: ArraySlice<JSONPath.Step>,
        _ at: Int,
        _ state: inout LineState
    ) {
        let line = state.line
        let scanner = JSONTolerant(text: line)
        var at = at
        for step in steps {
            switch step {
            case .all, .count: return
            case .index(let wanted):
                guard let start = scanner.token(at), line[start] == 0x5B, let next = element(wanted, of: start, scanner)
                else { return }
                at = next
            case .key(let name):
                guard var members = try? JSONTolerant.Members(scanner, at: at) else { return }
                var found: Int?
                while found == nil, let member = try? members.next() {
                    if name == line[member.key] {
                        found =
                            member.value.kind == .string
                            ? member.value.range.lowerBound - 1 : member.value.range.lowerBound
                    }
                    if found == nil {
                        do { try members.advance() } catch { return }
                    }
                }
                guard let found else { return }
                at = found
            }
        }
        take(target, at, &state)
    }

    private func take(_ target: Target, _ at: Int, _ state: inout LineState) {
        let line = state.line
        do throws(JSONFault) {
            let value = try JSONTolerant(text: line).value(at)
            switch value.kind {
            case .null: set(target, state.linePiece(0..<0), &state)
            case .string:
                set(
                    target,
                    JSONValueText.piece(value.range, isEscaped: value.isEscaped, isASCII: false, &state),
                    &state
                )
            case .number, .boolean, .object, .array: set(target, state.linePiece(value.range), &state)
            }
        } catch {
            state.fail(.json, error.text)
        }
    }
}
