import Bytes
import CYaml

/// Reads YAML (libyaml's events) into a tree.
///
/// Foreign text is bounded in every direction: bytes, depth, and nodes after aliases are put in, so that a file of a few
/// lines cannot stand for billions of values. Duplicate keys are mistakes. Only the first document is read.
package enum YAMLParser {
    /// Bytes of a file. Promtail files of whole clusters have some hundred kilobytes.
    package static let sizeMax = 16 << 20
    package static let depthMax = 64
    /// Nodes of a tree, each alias counted with all that it stands for.
    package static let nodesMax = 1 << 20

    /// The tree, or nil for a text without content.
    package static func parse(_ text: ByteView) throws(YAMLFailure) -> YAMLNode? {
        guard text.count <= sizeMax else {
            throw YAMLFailure("the file has more than \(sizeMax >> 20) MiB", at: YAMLMark(line: 1, column: 1))
        }
        let events = try YAMLEvents(text)
        defer { events.close() }
        var builder = TreeBuilder(events: events)
        return try builder.document()
    }
}

/// The events of one text.
private struct YAMLEvents {
    enum Event {
        case scalar(String, isPlain: Bool, anchor: String?)
        case alias(String)
        case sequenceStart(anchor: String?)
        case mappingStart(anchor: String?)
        case end
        case documentStart
        case other
        case streamEnd
    }

    // The parser of libyaml is large and must not move: it has a place of its own, freed in `close`.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: OwnedBytes

    init(_ text: ByteView) throws(YAMLFailure) {
        input = OwnedBytes(text)
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLFailure("no memory for the YAML parser", at: YAMLMark(line: 1, column: 1))
        }
        let parser = parser
        input.view.withUnsafeBytes { bytes in
            yaml_parser_set_input_string(parser, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
    }

    func close() {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    func next() throws(YAMLFailure) -> (event: Event, mark: YAMLMark) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let mark = YAMLEvents.mark(event.start_mark)
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = YAMLEvents.text(scalar.value, scalar.length)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nil
            return (.scalar(text, isPlain: isPlain, anchor: YAMLEvents.name(scalar.anchor)), mark)
        case YAML_ALIAS_EVENT: return (.alias(YAMLEvents.name(event.data.alias.anchor) ?? ""), mark)
        case YAML_SEQUENCE_START_EVENT:
            return (.sequenceStart(anchor: YAMLEvents.name(event.data.sequence_start.anchor)), mark)
        case YAML_MAPPING_START_EVENT:
            return (.mappingStart(anchor: YAMLEvents.name(event.data.mapping_start.anchor)), mark)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return (.end, mark)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, mark)
        case YAML_STREAM_END_EVENT: return (.streamEnd, mark)
        default: return (.other, mark)
        }
    }

    private func failure() -> YAMLFailure {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "no YAML"
        let mark = YAMLEvents.mark(parser.pointee.problem_mark)
        let context = parser.pointee.context.map { String(cString: $0) }
        if parser.pointee.error == YAML_READER_ERROR {
            return YAMLFailure(
                "\(problem) at byte \(parser.pointee.problem_offset)",
                at: place(parser.pointee.problem_offset),
                hint: "the file must be UTF-8 text"
            )
        }
        return YAMLFailure(context.map { "\(problem), \($0)" } ?? problem, at: mark, hint: YAMLEvents.hint(problem))
    }

    private static func hint(_ problem: String) -> String {
        if problem.contains("cannot start any token") {
            return "indent with blanks, and put quotes around values that begin with %, @ or `"
        }
        if problem.contains("mapping values are not allowed") { return "put quotes around values that hold `: `" }
        if problem.contains("did not find expected key") || problem.contains("did not find expected '-'") {
            return "check the indentation of this line and of the one before"
        }
        return ""
    }

    /// Readers know bytes, not lines.
    private func place(_ offset: Int) -> YAMLMark {
        var mark = YAMLMark(line: 1, column: 1)
        let view = input.view
        for i in 0..<min(max(0, offset), view.count) {
            if view[i] == 0x0A {
                mark.line += 1
                mark.column = 1
            } else if view[i] & 0xC0 != 0x80 {
                mark.column += 1
            }
        }
        return mark
    }

    private static func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(line: Int(clamping: mark.line) &+ 1, column: Int(clamping: mark.column) &+ 1)
    }

    private static func text(_ start: UnsafeMutablePointer<yaml_char_t>?, _ length: Int) -> String {
        guard let start, length > 0 else { return "" }
        return ByteView(unsafe: UnsafeRawPointer(start), count: length).string
    }

    private static func name(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }
}

private struct TreeBuilder {
    let events: YAMLEvents
    private var anchors: [String: (node: YAMLNode, size: Int)] = [:]
    private var nodes = 0

    init(events: YAMLEvents) { self.events = events }

    mutating func document() throws(YAMLFailure) -> YAMLNode? {
        while true {
            let (event, _) = try events.next()
            switch event {
            case .documentStart:
                let (first, mark) = try events.next()
                return try node(first, mark, depth: 0)
            case .streamEnd: return nil
            default: continue
            }
        }
    }

    private mutating func count(_ more: Int, _ mark: YAMLMark) throws(YAMLFailure) {
        nodes += more
        if nodes > YAMLParser.nodesMax {
            throw YAMLFailure(
                "the file stands for more than \(YAMLParser.nodesMax) values",
                at: mark,
                hint: "use fewer aliases"
            )
        }
    }

    private mutating func node(_ event: YAMLEvents.Event, _ mark: YAMLMark, depth: Int) throws(YAMLFailure) -> YAMLNode
    {
        guard depth < YAMLParser.depthMax else {
            throw YAMLFailure("more than \(YAMLParser.depthMax) levels", at: mark)
        }
        let before = nodes
        try count(1, mark)
        let made: YAMLNode
        let anchor: String?
        switch event {
        case .scalar(let text, let isPlain, let name):
            made = YAMLNode(.scalar(text, isPlain: isPlain), at: mark)
            anchor = name
        case .alias(let name):
            guard let known = anchors[name] else {
                throw YAMLFailure(
                    "unknown alias `*\(name)`",
                    at: mark,
                    hint: "anchors (`&\(name)`) must stand before their aliases"
                )
            }
            try count(known.size, mark)
            return known.node
        case .sequenceStart(let name):
            var items: [YAMLNode] = []
            while true {
                let (next, at) = try events.next()
                if case .end = next { break }
                items.append(try node(next, at, depth: depth + 1))
            }
            made = YAMLNode(.sequence(items), at: mark)
            anchor = name
        case .mappingStart(let name):
            made = YAMLNode(.mapping(try pairs(depth)), at: mark)
            anchor = name
        case .end, .documentStart, .other, .streamEnd: throw YAMLFailure("a value is missing", at: mark)
        }
        if let anchor { anchors[anchor] = (made, nodes - before) }
        return made
    }

    private mutating func pairs(_ depth: Int) throws(YAMLFailure) -> [YAMLPair] {
        var pairs: [YAMLPair] = []
        var places: [String: YAMLMark] = [:]
        var merged: [YAMLNode] = []
        while true {
            let (next, mark) = try events.next()
            if case .end = next { break }
            let key = try node(next, mark, depth: depth + 1)
            guard case .scalar(let name, let isPlain) = key.content else {
                throw YAMLFailure("a key must be a single value, not \(key.kindName)", at: mark)
            }
            let (first, at) = try events.next()
            let value = try node(first, at, depth: depth + 1)
            if name == "<<", isPlain {
                merged.append(value)
                continue
            }
            if let earlier = places[name] {
                throw YAMLFailure(
                    "duplicate key `\(name)`",
                    at: mark,
                    hint: "it stands in line \(earlier.line) already"
                )
            }
            places[name] = mark
            pairs.append(YAMLPair(key: name, keyMark: mark, value: value))
        }
        for value in merged { try merge(value, &pairs, &places, isNested: false) }
        return pairs
    }

    /// `<<: *base`: keys that are not given here come from there.
    private func merge(
        _ value: YAMLNode,
        _ pairs: inout [YAMLPair],
        _ places: inout [String: YAMLMark],
        isNested: Bool
    ) throws(YAMLFailure) {
        switch value.content {
        case .mapping(let others):
            for pair in others where places[pair.key] == nil {
                places[pair.key] = pair.keyMark
                pairs.append(pair)
            }
        case .sequence(let list) where !isNested:
            for item in list { try merge(item, &pairs, &places, isNested: true) }
        default: throw YAMLFailure("`<<` needs a mapping or a list of mappings", at: value.mark)
        }
    }
}
