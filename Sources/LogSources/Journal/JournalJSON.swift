import Bytes

/// An entry as a JSON object: fields by name, of equal names the last, values as strings, escaped as Go does.
enum JournalJSON {
    static func append(_ fields: [JournalEntry.Field], into out: ByteArena) {
        var byName: [ByteString: ByteString] = [:]
        for field in fields { byName[field.name] = field.value }
        out.append(UInt8(ascii: "{"))
        for (i, name) in byName.keys.sorted().enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(UInt8(ascii: "\""))
            name.withView { JSONText.escape($0, into: out, html: true) }
            out.append("\":\"" as StaticString)
            (byName[name] ?? "").withView { JSONText.escape($0, into: out, html: true) }
            out.append(UInt8(ascii: "\""))
        }
        out.append(UInt8(ascii: "}"))
    }
}
