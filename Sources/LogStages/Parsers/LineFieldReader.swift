import Bytes
import LogModel

/// Reads the fields of a line that nobody has described, with the same scanners as `| json` and `| logfmt`, for those who
/// ask what there is rather than for a label.
package enum LineFieldReader {
    package struct Field {
        /// As the parsers would name its label, before names collide.
        package var name: ByteString
        package var value: ByteString
        /// Keys from the outermost in, as the document writes them; empty for logfmt.
        package var path: [ByteString]
    }

    /// Strings, numbers and booleans of a JSON object in the order of the line, `max` of them at most; nil for what is
    /// none, or has a fault in it.
    package static func json(_ line: ByteView, max: Int) -> [Field]? {
        var fields: [Field] = []
        do throws(JSONFault) {
            try object(JSONTolerant(text: line), at: 0, name: ByteArena(capacity: 64), path: [], max, &fields)
            return fields
        } catch {
            return nil
        }
    }

    private static func object(
        _ scanner: JSONTolerant, at start: Int, name: ByteArena, path: [ByteString], _ max: Int, _ fields: inout [Field]
    ) throws(JSONFault) {
        let line = scanner.text
        let prefix = name.count
        var members = try JSONTolerant.Members(scanner, at: start)
        while let member = try members.next() {
            let key = text(line[member.key], isEscaped: member.isKeyEscaped)
            if prefix > 0 { name.append(0x5F as UInt8) }
            key.withView { LabelSanitizer.append($0, to: name, leading: prefix == 0) }
            switch member.value.kind {
            case .object:
                if path.count < JSONParser.depthMax {
                    try object(scanner, at: member.value.range.lowerBound, name: name, path: path + [key], max, &fields)
                }
            case .string, .number, .boolean:
                if fields.count < max {
                    let value = text(line[member.value.range], isEscaped: member.value.isEscaped)
                    fields.append(Field(name: ByteString(name.view), value: value, path: path + [key]))
                }
            case .null, .array: break
            }
            name.truncate(to: prefix)
            try members.advance()
        }
    }

    /// Pairs with a value in the order of the line, `max` of them at most; what is faulty is passed over.
    package static func logfmt(_ line: ByteView, max: Int) -> [Field] {
        var fields: [Field] = []
        let name = ByteArena(capacity: 64)
        var scanner = LogfmtScanner(line)
        while fields.count < max {
            switch scanner.next() {
            case .end: return fields
            case .fault: scanner.recover()
            case .pair(let pair):
                guard !pair.value.isEmpty else { continue }
                name.reset()
                LabelSanitizer.append(line[pair.key], to: name, leading: true)
                fields.append(
                    Field(name: ByteString(name.view), value: text(line[pair.value], isEscaped: pair.isEscaped), path: []))
            }
        }
        return fields
    }

    /// What the inside of a string stands for; nothing where an escape is none.
    private static func text(_ raw: ByteView, isEscaped: Bool) -> ByteString {
        guard isEscaped else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        JSONText.unescape(raw, into: out)
        return ByteString(out.view)
    }
}
