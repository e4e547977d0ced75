import Bytes
import Glibc

/// Functions that only the collector's templates have: Promtail's own, and those of sprig that log pipelines use.
/// Arguments have been checked against the signatures.
enum TemplateCollectorCalls {
    static func call(
        _ function: TemplateFunction, _ arguments: [TemplateValue], _ evaluator: inout TemplateEvaluator
    ) throws(TemplateFailure) -> TemplateValue {
        let a = TemplateCalls.Arguments(values: arguments)
        switch function {
        // The salt stands in front, whatever the order in which a person meant to write the two.
        case .hash:
            try chargeHash(a, &evaluator)
            return .text(Digests.hex(Digests.sha3(a.text(0).bytes + a.text(1).bytes)))
        case .sha2Hash:
            try chargeHash(a, &evaluator)
            return .text(Digests.hex(Digests.sha256(a.text(0).bytes + a.text(1).bytes)))
        case .sha256sum:
            try chargeHash(a, &evaluator)
            return .text(Digests.hex(Digests.sha256(a.text(0).bytes)))
        case .env: return .text(environment(a.text(0).string))

        case .quote: return .text(quoted(arguments) { ByteString(GoText.quote($0.string)) })
        case .squote: return .text(quoted(arguments) { ByteString([0x27] + $0.bytes + [0x27]) })
        case .cat: return .text(quoted(arguments) { $0 })
        case .nospace: return .text(ByteString(String(String.UnicodeScalarView(a.text(0).string.unicodeScalars.filter { !$0.properties.isWhitespace }))))
        case .untitle: return .text(untitled(a.text(0)))
        case .abbrev: return .text(abbreviated(a.text(1), a.int(0)))
        case .toString: return .text(TemplatePrinter.text(evaluator.resolved(a[0])))
        case .atoi: return .int(a.text(0).withView { GoInteger.parse($0) } ?? 0)
        case .toInt64: return .int64(TemplateNumbers.integer(a[0]))
        case .add1: return .int64(TemplateNumbers.integer(a[0]) &+ 1)

        case .ternary:
            guard case .bool(let flag) = a[2] else {
                throw TemplateFailure("wrong type for value; expected bool; got \(a[2].typeName)")
            }
            return flag ? a[0] : a[1]
        case .coalesce: return arguments.first { evaluator.isTrue($0) } ?? .none
        case .empty: return .bool(!evaluator.isTrue(a[0]))

        case .list: return .list(arguments)
        case .splitList:
            let parts = split(a.text(1), a.text(0))
            try evaluator.charge(steps: parts.count)
            return .list(parts.map { .text($0) })
        case .split:
            let parts = split(a.text(1), a.text(0))
            try evaluator.charge(steps: parts.count)
            let pairs = parts.enumerated().map { (key: ByteString("_\($0.offset)"), value: TemplateValue.text($0.element)) }
            return .map(pairs.sorted { $0.key < $1.key })
        case .join:
            let parts: [ByteString]
            switch evaluator.resolved(a[1]) {
            case .list(let items): parts = items.filter { if case .none = $0 { false } else { true } }.map { TemplatePrinter.text($0) }
            case .none: parts = []
            case let one: parts = [TemplatePrinter.text(one)]
            }
            return .text(ByteString(Array(parts.map(\.bytes).joined(separator: a.text(0).bytes))))
        case .first: return try items(a[0]).first ?? .none
        case .last: return try items(a[0]).last ?? .none
        case .rest: return .list(Array(try items(a[0]).dropFirst()))
        case .initial: return .list(Array(try items(a[0]).dropLast()))
        case .reverse: return .list(try items(a[0]).reversed())
        case .uniq:
            var seen: Set<ByteString> = []
            return .list(try items(a[0]).filter { seen.insert(ByteString(Array("\($0.typeName):".utf8) + TemplatePrinter.text($0).bytes)).inserted })
        case .sortAlpha:
            return .list(try items(a[0]).map { TemplatePrinter.text($0) }.sorted().map { .text($0) })
        case .has:
            let needle = (a[0].typeName, TemplatePrinter.text(a[0]))
            return .bool(try items(a[1]).contains { ($0.typeName, TemplatePrinter.text($0)) == needle })

        case .dict:
            var pairs: [ByteString: TemplateValue] = [:]
            for i in stride(from: 0, to: arguments.count, by: 2) {
                pairs[TemplatePrinter.text(arguments[i])] = i + 1 < arguments.count ? arguments[i + 1] : .text(ByteString())
            }
            return .map(pairs.map { (key: $0.key, value: $0.value) }.sorted { $0.key < $1.key })
        case .get:
            guard case .map(let pairs) = evaluator.resolved(a[0]) else { throw notAMap(a[0]) }
            return pairs.first { $0.key == a.text(1) }?.value ?? .text(ByteString())
        case .hasKey:
            guard case .map(let pairs) = evaluator.resolved(a[0]) else { throw notAMap(a[0]) }
            return .bool(pairs.contains { $0.key == a.text(1) })

        case .regexMatch:
            let regex = try TemplateCalls.regex(a.text(0), &evaluator)
            return .bool(a.text(1).withView { regex.matches($0) })
        case .regexFind:
            let regex = try TemplateCalls.regex(a.text(0), &evaluator)
            var groups: [Range<Int>?] = []
            return .text(
                a.text(1).withView { text in
                    guard regex.firstMatch(in: text, groups: &groups), let match = groups.first ?? nil else { return ByteString() }
                    return ByteString(text[match])
                })
        case .regexQuoteMeta:
            let special = Set(#"\.+*?()|[]{}^$"#.utf8)
            return .text(ByteString(a.text(0).bytes.flatMap { special.contains($0) ? [0x5C, $0] : [$0] }))
        default: return .none
        }
    }

    /// Some hundred nanoseconds for every 64 bytes.
    private static func chargeHash(
        _ a: TemplateCalls.Arguments, _ evaluator: inout TemplateEvaluator
    ) throws(TemplateFailure) {
        try evaluator.charge(steps: (a.text(0).count + a.text(1).count) >> 5)
    }

    private static func environment(_ name: String) -> ByteString {
        guard let value = getenv(name) else { return ByteString() }
        return ByteString(String(cString: value))
    }

    /// What there is of the arguments, each as text made by `body`, with spaces between.
    private static func quoted(_ values: [TemplateValue], _ body: (ByteString) -> ByteString) -> ByteString {
        var parts: [[UInt8]] = []
        for value in values {
            if case .none = value { continue }
            parts.append(body(TemplatePrinter.text(value)).bytes)
        }
        return ByteString(Array(parts.joined(separator: [0x20])))
    }

    private static func items(_ value: TemplateValue) throws(TemplateFailure) -> [TemplateValue] {
        if case .list(let items) = value { return items }
        throw TemplateFailure("Cannot find items on type \(value.typeName)")
    }

    private static func notAMap(_ value: TemplateValue) -> TemplateFailure {
        TemplateFailure("wrong type for value; expected map[string]interface {}; got \(value.typeName)")
    }

    /// As Go's `strings.Split`: an empty separator cuts between characters.
    private static func split(_ text: ByteString, _ separator: ByteString) -> [ByteString] {
        text.withView { text in
            var parts: [ByteString] = []
            var start = 0
            if separator.isEmpty {
                while start < text.count {
                    let end = min(text.count, start + max(1, UTF8Length.at(text, start)))
                    parts.append(ByteString(text[start..<end]))
                    start = end
                }
                return parts
            }
            return separator.withView { separator in
                var at = 0
                while at + separator.count <= text.count {
                    guard let found = text.firstIndex(of: separator[0], from: at), found + separator.count <= text.count else { break }
                    if text[found..<found + separator.count] == separator {
                        parts.append(ByteString(text[start..<found]))
                        start = found + separator.count
                        at = start
                    } else {
                        at = found + 1
                    }
                }
                parts.append(ByteString(text.suffix(from: start)))
                return parts
            }
        }
    }

    /// The first letter of every word in lower case.
    private static func untitled(_ text: ByteString) -> ByteString {
        var out = ""
        var isStart = true
        for character in text.string.unicodeScalars {
            if isStart, !character.properties.isWhitespace {
                out += character.properties.lowercaseMapping
            } else {
                out.unicodeScalars.append(character)
            }
            isStart = character.properties.isWhitespace
        }
        return ByteString(out)
    }

    private static func abbreviated(_ text: ByteString, _ width: Int) -> ByteString {
        guard width >= 4, text.count > width else { return text }
        return ByteString(Array(text.bytes.prefix(width - 3)) + Array("...".utf8))
    }
}
