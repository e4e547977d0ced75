import Bytes
import LogModel

/// What the row groups of a segment share: columns, templates, dictionaries.
struct SegmentLayout: Sendable {
    struct Column: Sendable {
        /// Keys from the outermost in, as written in the document.
        var path: [ByteString]
        /// Earlier members of the same path in the same object.
        var earlier: Int
        var kind: HoleKind
        var dictionary: DictionaryChunks?
        /// The label that `| json` makes of it; nil where only the decoded key would tell.
        var label: ByteString?

        /// As the parser names labels: keys joined by `_`, blank ones left out.
        static func label(of path: [ByteString]) -> ByteString? {
            let out = ByteArena(capacity: 32)
            for key in path {
                let isPlain = key.withView { key in
                    guard key.allSatisfy({ $0 < 0x80 && $0 != 0x5C }) else { return false }
                    let trimmed = LabelSanitizer.trim(key)
                    if trimmed.isEmpty { return true }
                    let isFirst = out.isEmpty
                    if !isFirst { out.append(0x5F as UInt8) }
                    LabelSanitizer.append(trimmed, to: out, leading: isFirst)
                    return true
                }
                if !isPlain { return nil }
            }
            return ByteString(out.view)
        }
    }

    /// Where the entries of a dictionary lie.
    struct DictionaryChunks: Sendable {
        var count: Int
        /// Lengths of the entries: `IntegerBlocks`.
        var lengths: Chunk
        var bytes: Chunk
        /// Bytes that occur in the entries.
        var charset: ByteSet
        /// `TrigramFilter` of the entries.
        var trigrams: Chunk?

        /// All chunks that it refers to.
        var chunks: [Chunk] { [lengths, bytes] + (trigrams.map { [$0] } ?? []) }
    }

    /// In the byte of a column's kind: its dictionary has a filter of trigrams.
    private static let hasTrigrams: UInt8 = 0x80

    var columns: [Column]
    var templates: LineTemplates
    /// The columns of each template.
    var columnsOf: [Set<Int>]

    static func encode(_ shredder: LineShredder, _ dictionaries: [Int: DictionaryChunks], into out: ByteArena) {
        out.append(varint: UInt64(shredder.columnCount))
        for number in 0..<shredder.columnCount {
            let (path, kind) = shredder.column(number)
            out.append(kind.rawValue | (dictionaries[number]?.trigrams == nil ? 0 : hasTrigrams))
            out.append(prefixed: path)
            guard let dictionary = dictionaries[number] else {
                out.append(varint: 0)
                continue
            }
            out.append(varint: UInt64(dictionary.count))
            dictionary.lengths.encode(into: out)
            dictionary.bytes.encode(into: out)
            let words = dictionary.charset.words
            for word in [words.0, words.1, words.2, words.3] { out.append(littleEndian: word) }
            dictionary.trigrams?.encode(into: out)
        }
        out.append(varint: UInt64(shredder.templateCount))
        for number in 0..<shredder.templateCount { out.append(shredder.template(number)) }
    }

    static func decode(_ view: ByteView, limit: Int) throws(DecodeError) -> SegmentLayout {
        var reader = ByteReader(view)
        var columns: [Column] = []
        for _ in 0..<(try reader.count()) {
            let byte = try reader.byte()
            guard let kind = HoleKind(rawValue: byte & ~hasTrigrams) else {
                throw DecodeError("unknown kind of column", at: reader.offset)
            }
            let spelled = try reader.prefixed()
            guard let earlier = spelled.last else { throw DecodeError("a column without a path", at: reader.offset) }
            var path: [ByteString] = []
            var from = 0
            let keys = spelled.prefix(spelled.count - 1)
            while let end = keys.firstIndex(of: 0, from: from) {
                path.append(ByteString(keys[from..<end]))
                from = end + 1
            }
            var column = Column(path: path, earlier: Int(earlier), kind: kind, label: Column.label(of: path))
            let entries = try reader.varint()
            if entries > 0 {
                guard entries <= UInt64(ColumnEncoder.entriesMax) else {
                    throw DecodeError("a dictionary of \(entries) entries", at: reader.offset)
                }
                column.dictionary = DictionaryChunks(
                    count: Int(entries),
                    lengths: try Chunk.decode(&reader, limit: limit),
                    bytes: try Chunk.decode(&reader, limit: limit),
                    charset: ByteSet(
                        words: (
                            try reader.littleEndian(), try reader.littleEndian(), try reader.littleEndian(),
                            try reader.littleEndian()
                        )
                    ),
                    trigrams: byte & hasTrigrams == 0 ? nil : try Chunk.decode(&reader, limit: limit)
                )
            }
            columns.append(column)
        }
        let count = try reader.count()
        let templates = try LineTemplates(
            OwnedBytes(view.suffix(from: reader.offset)),
            count: count,
            columns: columns.count
        )
        return SegmentLayout(
            columns: columns,
            templates: templates,
            columnsOf: (0..<templates.count).map { Set(templates.columns(of: $0)) }
        )
    }
}
