import Bytes

/// Why a pattern was refused.
package struct GlobError: Error, Equatable, CustomStringConvertible {
    package var pattern: String
    package var problem: String

    package var description: String { "path pattern `\(pattern)`: \(problem)" }
}

/// A path pattern in Promtail's dialect (doublestar): `*` a run without `/`, `**` as a whole component any directories,
/// `?` one character, `[a-z]`, `[^a]`, `[!a]` one of a set, `{a,b/c}` alternatives, `\` takes the next character as it
/// is. Names that begin with a dot match like others. Relative patterns begin in the working directory.
package struct Glob: Sendable {
    enum Token: Sendable, Equatable {
        case byte(UInt8)
        case one
        case run
        case set(negated: Bool, ranges: [ClosedRange<UInt32>])
    }

    enum Component: Sendable, Equatable {
        case literal(ByteString)
        case pattern([Token])
        /// `**`
        case anyDirectories
    }

    /// As written.
    package let text: ByteString
    /// Absolute; one for each combination of `{…}`.
    let alternatives: [[Component]]

    /// More combinations than this are a mistake, and would each be a walk through the file system.
    static let alternativesMax = 1024
    static let lengthMax = 4096

    package init(_ text: ByteString, workingDirectory: ByteString? = nil) throws(GlobError) {
        self.text = text
        func refuse(_ problem: String) -> GlobError { GlobError(pattern: text.string, problem: problem) }
        guard !text.isEmpty else { throw refuse("it is empty") }
        guard text.count <= Self.lengthMax else { throw refuse("it is longer than \(Self.lengthMax) bytes") }
        guard !text.bytes.contains(0) else { throw refuse("a path cannot hold a NUL byte") }
        var whole: [[UInt8]] = [[]]
        do { whole = try Self.alternatives(text.bytes, depth: 0) } catch { throw refuse(error.words) }
        var alternatives: [[Component]] = []
        for one in whole {
            var components: [Component] = []
            if one.first != ByteString.slash {
                let start = workingDirectory ?? System.workingDirectory
                components = start.bytes.split(separator: ByteString.slash).map { .literal(ByteString([UInt8]($0))) }
            }
            do {
                for part in Self.split(one) where !part.isEmpty && part != [UInt8(ascii: ".")] {
                    let component = try Self.component(part)
                    // `**/**` is `**`.
                    if component == .anyDirectories, components.last == .anyDirectories { continue }
                    components.append(component)
                }
            } catch { throw refuse(error.words) }
            if !alternatives.contains(components) { alternatives.append(components) }
        }
        self.alternatives = alternatives
    }

    private struct Problem: Error { var words: String }

    // MARK: Parsing

    /// End of the set that begins at `start`, behind its `]`.
    private static func setEnd(_ text: [UInt8], _ start: Int) throws(Problem) -> Int {
        var i = start + 1
        if i < text.count, text[i] == UInt8(ascii: "^") || text[i] == UInt8(ascii: "!") { i += 1 }
        while i < text.count {
            if text[i] == UInt8(ascii: "\\") {
                i += 2
            } else if text[i] == UInt8(ascii: "]") {
                return i + 1
            } else {
                i += 1
            }
        }
        throw Problem(words: "`[` without `]`")
    }

    /// Multiplies out the first `{…}`, then the rest of each.
    private static func alternatives(_ text: [UInt8], depth: Int) throws(Problem) -> [[UInt8]] {
        guard depth < 32 else { throw Problem(words: "`{` nested too deeply") }
        var i = 0
        while i < text.count, text[i] != UInt8(ascii: "{") {
            switch text[i] {
            case UInt8(ascii: "\\"):
                guard i + 1 < text.count else { throw Problem(words: "`\\` at the end") }
                i += 2
            case UInt8(ascii: "["): i = try setEnd(text, i)
            case UInt8(ascii: "}"): throw Problem(words: "`}` without `{`")
            default: i += 1
            }
        }
        guard i < text.count else { return [text] }
        let head = text[..<i]
        var choices: [[UInt8]] = []
        var level = 0
        var start = i + 1
        var end: Int?
        while end == nil {
            guard i < text.count else { throw Problem(words: "`{` without `}`") }
            switch text[i] {
            case UInt8(ascii: "\\"): i += 2
            case UInt8(ascii: "["): i = try setEnd(text, i)
            case UInt8(ascii: "{"):
                level += 1
                i += 1
            case UInt8(ascii: "}"):
                level -= 1
                if level == 0 {
                    choices.append([UInt8](text[start..<i]))
                    end = i + 1
                }
                i += 1
            case UInt8(ascii: ",") where level == 1:
                choices.append([UInt8](text[start..<i]))
                i += 1
                start = i
            default: i += 1
            }
        }
        let tail = text[(end ?? text.count)...]
        var out: [[UInt8]] = []
        for choice in choices {
            for one in try alternatives(choice + tail, depth: depth + 1) {
                out.append(head + one)
                if out.count > alternativesMax {
                    throw Problem(words: "more than \(alternativesMax) combinations of `{…}`")
                }
            }
        }
        return out
    }

    /// At `/`, escaped or not: no name holds one.
    private static func split(_ text: [UInt8]) -> [[UInt8]] {
        text.split(separator: ByteString.slash, omittingEmptySubsequences: true).map { [UInt8]($0) }
    }

    private static func component(_ part: [UInt8]) throws(Problem) -> Component {
        if part == Array("**".utf8) { return .anyDirectories }
        var tokens: [Token] = []
        var i = 0
        while i < part.count {
            switch part[i] {
            case UInt8(ascii: "*"):
                if tokens.last != .run { tokens.append(.run) }
                i += 1
            case UInt8(ascii: "?"):
                tokens.append(.one)
                i += 1
            case UInt8(ascii: "["):
                let end = try setEnd(part, i)
                tokens.append(try set(part[(i + 1)..<(end - 1)]))
                i = end
            case UInt8(ascii: "\\"):
                guard i + 1 < part.count else { throw Problem(words: "`\\` at the end") }
                tokens.append(.byte(part[i + 1]))
                i += 2
            default:
                tokens.append(.byte(part[i]))
                i += 1
            }
        }
        var literal: [UInt8] = []
        for token in tokens {
            guard case .byte(let byte) = token else { return .pattern(tokens) }
            literal.append(byte)
        }
        return .literal(ByteString(literal))
    }

    private static func set(_ inside: ArraySlice<UInt8>) throws(Problem) -> Token {
        var text = [UInt8](inside)
        var negated = false
        if text.first == UInt8(ascii: "^") || text.first == UInt8(ascii: "!") {
            negated = true
            text.removeFirst()
        }
        guard !text.isEmpty else { throw Problem(words: "an empty set `[]`") }
        var ranges: [ClosedRange<UInt32>] = []
        var i = 0
        func next() throws(Problem) -> UInt32 {
            if text[i] == UInt8(ascii: "\\") {
                i += 1
                guard i < text.count else { throw Problem(words: "`\\` at the end of a set") }
            }
            let (scalar, length) = text.withView { Glob.scalar($0, i) }
            i += length
            return scalar
        }
        while i < text.count {
            let low = try next()
            var high = low
            if i + 1 < text.count, text[i] == UInt8(ascii: "-") {
                i += 1
                high = try next()
            }
            guard low <= high else { throw Problem(words: "a range that runs backwards") }
            ranges.append(low...high)
        }
        return .set(negated: negated, ranges: ranges)
    }

    // MARK: Matching

    /// The character at `index` and its length; a byte that is not UTF-8 stands for itself, outside of Unicode.
    private static func scalar(_ text: ByteView, _ index: Int) -> (UInt32, Int) {
        let lead = text[index]
        if lead < 0x80 { return (UInt32(lead), 1) }
        let length = UTF8Length.at(text, index)
        guard length > 1 else { return (0x11_0000 + UInt32(lead), 1) }
        var value = UInt32(lead) & (0x7F >> UInt32(length))
        for i in 1..<length { value = value << 6 | UInt32(text[index + i] & 0x3F) }
        return (value, length)
    }

    /// One name against one component. O(name · tokens) at worst: only the last `*` is taken back.
    static func matches(_ tokens: [Token], _ name: ByteView) -> Bool {
        var t = 0
        var n = 0
        var retry: (token: Int, name: Int)?
        while true {
            if t < tokens.count {
                switch tokens[t] {
                case .run:
                    retry = (t + 1, n)
                    t += 1
                    continue
                case .byte(let byte) where n < name.count && name[n] == byte:
                    t += 1
                    n += 1
                    continue
                case .one where n < name.count:
                    n += scalar(name, n).1
                    t += 1
                    continue
                case .set(let negated, let ranges) where n < name.count:
                    let (value, length) = scalar(name, n)
                    if ranges.contains(where: { $0.contains(value) }) != negated {
                        n += length
                        t += 1
                        continue
                    }
                default: break
                }
            } else if n == name.count {
                return true
            }
            guard let back = retry, back.name < name.count else { return false }
            let next = back.name + scalar(name, back.name).1
            retry = (back.token, next)
            t = back.token
            n = next
        }
    }

    static func matches(_ component: Component, _ name: ByteView) -> Bool {
        switch component {
        case .literal(let literal): literal == name
        case .pattern(let tokens): matches(tokens, name)
        case .anyDirectories: true
        }
    }

    /// Whether an absolute path matches as a whole.
    package func matches(_ path: ByteString) -> Bool {
        if path == text { return true }
        let names = path.bytes.split(separator: ByteString.slash).map { ByteString([UInt8]($0)) }
        return alternatives.contains { Self.matches($0, names) }
    }

    /// As `matches` of one component, a level higher: `**` is the star.
    private static func matches(_ components: [Component], _ names: [ByteString]) -> Bool {
        var c = 0
        var n = 0
        var retry: (component: Int, name: Int)?
        while true {
            if c < components.count {
                if components[c] == .anyDirectories {
                    retry = (c + 1, n)
                    c += 1
                    continue
                }
                if n < names.count, names[n].withView({ matches(components[c], $0) }) {
                    c += 1
                    n += 1
                    continue
                }
            } else if n == names.count {
                return true
            }
            guard let back = retry, back.name < names.count else { return false }
            retry = (back.component, back.name + 1)
            c = back.component
            n = back.name + 1
        }
    }
}
