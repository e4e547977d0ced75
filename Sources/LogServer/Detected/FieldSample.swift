import Bytes
import LogModel
import LogQuery
import LokiWire

/// The fields of a sample of entries: structured metadata, what the query parsed, and what the lines themselves show.
struct FieldSample {
    struct Field {
        var type = FieldType.string
        var values: Set<ByteString> = []
        var parsers: [String] = []
        var path: [ByteString] = []
    }

    private(set) var fields: [ByteString: Field] = [:]
    private let limit: Int

    /// Distinct values that are kept of a field, to count them; more only cost memory.
    private static let valuesMax = 10_000
    private static let errors: Set<ByteString> = ["__error__", "__error_details__", "__preserve_error__"]

    /// `limit`: fields; further ones are left out.
    init(limit: Int) { self.limit = limit }

    mutating func add(_ entry: ResultEntry, stream: Labels) {
        for pair in entry.metadata.pairs { note(pair.name, pair.value, parser: nil, path: []) }
        let line = entry.line.withView { LineFields($0, stream: stream) }
        var found: Set<ByteString> = []
        for field in line.fields {
            found.insert(field.name)
            note(field.name, field.value, parser: line.parser, path: field.path)
        }
        for pair in entry.parsed.pairs where !found.contains(pair.name) {
            note(pair.name, pair.value, parser: line.parser, path: [])
        }
    }

    /// The type is that of the value seen last, as Loki has it.
    private mutating func note(_ name: ByteString, _ value: ByteString, parser: String?, path: [ByteString]) {
        guard !Self.errors.contains(name), fields[name] != nil || fields.count < limit else { return }
        var field = fields[name] ?? Field()
        fields[name] = nil
        if let parser, !field.parsers.contains(parser) { field.parsers.append(parser) }
        // Loki asks the JSON parser each time, and for a field that the query made it has no path.
        if parser == "json" { field.path = path }
        field.type = FieldType(of: value)
        if field.values.count < Self.valuesMax { field.values.insert(value) }
        fields[name] = field
    }

    var answer: [CatalogueAnswer.DetectedField] {
        fields.sorted { $0.key < $1.key }.map { name, field in
            CatalogueAnswer.DetectedField(
                label: name, type: field.type.rawValue, cardinality: field.values.count, parsers: field.parsers,
                jsonPath: field.path)
        }
    }
}
