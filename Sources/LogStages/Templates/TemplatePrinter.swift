import Bytes

/// Values as Go's `fmt` prints them with `%v`.
enum TemplatePrinter {
    /// Appends the value; `<no value>` for none. Labels must have been resolved to a map before.
    static func append(_ value: TemplateValue, to out: ByteArena) {
        if case .none = value {
            out.append("<no value>")
        } else {
            appendInner(value, to: out)
        }
    }

    /// As `append`, but none is `<nil>`, as inside of lists and maps.
    static func appendInner(_ value: TemplateValue, to out: ByteArena) {
        switch value {
        case .none: out.append("<nil>")
        case .bool(let flag): out.append(flag ? "true" : "false" as StaticString)
        case .int(let number), .int64(let number): out.append(decimal: number)
        case .byte(let byte): out.append(decimal: Int64(byte))
        case .float(let number): out.append(GoFormat.general(number))
        case .text(let text): out.append(text)
        case .list(let items):
            out.append("[")
            for (i, item) in items.enumerated() {
                if i > 0 { out.append(" ") }
                appendInner(item, to: out)
            }
            out.append("]")
        case .map(let pairs):
            out.append("map[")
            for (i, pair) in pairs.enumerated() {
                if i > 0 { out.append(" ") }
                out.append(pair.key)
                out.append(":")
                appendInner(pair.value, to: out)
            }
            out.append("]")
        case .labels: out.append("map[]")
        case .time(let time): out.append(GoTime.format(time, layout: "2006-01-02 15:04:05.999999999 -0700 MST"))
        case .duration(let nanoseconds): out.append(GoDuration.text(nanoseconds))
        case .named(_, let name, _): out.append(name)
        }
    }

    static func text(_ value: TemplateValue) -> ByteString {
        if case .text(let text) = value { return text }
        let out = ByteArena()
        appendInner(value, to: out)
        return ByteString(out.view)
    }

    /// As `fmt.Sprint`: a space between neighbours that are both no strings.
    static func joined(_ values: [TemplateValue]) -> ByteString {
        let out = ByteArena()
        var lastWasText = true
        for (i, value) in values.enumerated() {
            let isText = if case .text = value { true } else { false }
            if i > 0, !isText, !lastWasText { out.append(" ") }
            appendInner(value, to: out)
            lastWasText = isText
        }
        return ByteString(out.view)
    }
}
