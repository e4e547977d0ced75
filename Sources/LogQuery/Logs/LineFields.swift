import Bytes
import LogModel
import LogStages

/// The fields of one line, found without being told how it is written: JSON, else logfmt.
///
/// A field whose name a stream label has is called `name_extracted`; of two values of one name the first stays.
package struct LineFields {
    package struct Field {
        package var name: ByteString
        package var value: ByteString
        /// Keys from the outermost in, as the document writes them; empty for logfmt.
        package var path: [ByteString]
    }

    /// `json` or `logfmt`.
    package let parser: String
    package private(set) var fields: [Field] = []

    /// Fields of one line that are looked at.
    private static let fieldsMax = 2_000

    package init(_ line: ByteView, stream: Labels) {
        let json = LineFieldReader.json(line, max: Self.fieldsMax)
        parser = json == nil ? "logfmt" : "json"
        var seen: Set<ByteString> = []
        for field in json ?? LineFieldReader.logfmt(line, max: Self.fieldsMax) where !field.name.isEmpty {
            let name = stream[field.name] == nil ? field.name : ByteString(field.name.bytes + Array("_extracted".utf8))
            if seen.insert(name).inserted { fields.append(Field(name: name, value: field.value, path: field.path)) }
        }
    }
}
