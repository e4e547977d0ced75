import Bytes

/// How many rows of each cell have which features: fields, values, forms of text, shapes of objects, labels of streams.
///
/// Filled from columns by a store, or line by line (`LineCensus`); both make the same features with the same counts.
/// What is different in nearly every line says nothing about a change and must not swamp what does, so a field of more
/// than `wordsMax` distinct words (`numbersMax` distinct numbers) keeps only the forms of its texts.
///
/// Bounded: `featuresMax` features, `fieldsMax` fields; what comes behind is not counted and `isCut` is set. Values are
/// known by 64 bits of XXH3: two that share them are counted as one. Not thread-safe.
package final class Census {
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// The form of a text: of a message in a field, or of a line that is no JSON object.
        case text
        /// A word or a whole number that a field holds.
        case value
        /// Rows that have the field at all.
        case field
        /// Rows whose object has these fields, in any order.
        case shape
        /// A stream label and its value.
        case label
    }

    package struct Feature: Sendable {
        package var kind: Kind
        /// Index into `fields`; of a shape −1.
        package var field: Int
        package var text: ByteString
    }

    package struct Field: Sendable {
        /// Keys from the outermost in with a zero byte behind each, and a byte that counts earlier ones of the same path:
        /// as the shredder spells columns. Of labels the name.
        package var path: ByteString
        package var kind: HoleKind
        package var isLabel: Bool
        /// Distinct words so far.
        fileprivate(set) package var words = 0
        /// Too many words to be of interest: ids, measurements.
        fileprivate(set) package var isWide = false
        /// Holds long text that was not looked at, such as prompts.
        fileprivate(set) package var isLong = false
        /// The feature of its presence; −1: none.
        fileprivate(set) package var presence = -1

        /// As a person writes it: `error.code`; `line` for whole lines.
        package var name: String {
            if isLabel { return path.string }
            if kind == .line { return "line" }
            let earlier = path.bytes.last ?? 0
            // Every key has a zero byte behind it, so what comes behind the last one is empty.
            let keys = ByteString(Array(path.bytes.dropLast())).string.split(separator: "\0", omittingEmptySubsequences: false)
                .dropLast().map(String.init)
            return keys.joined(separator: ".") + (earlier > 0 ? "#\(earlier + 1)" : "")
        }
    }

    private struct FieldKey: Hashable {
        var path: ByteString
        var kind: UInt8
    }

    package let cells: Int
    /// Rows of each cell.
    package private(set) var rows: [Int]
    package private(set) var fields: [Field] = []
    package private(set) var features: [Feature] = []
    /// Whether features were left out for want of room.
    package private(set) var isCut = false
    /// `cells` for each feature.
    private var counts: [UInt32] = []
    private var fieldNumbers: [FieldKey: Int] = [:]
    private var presences: [ByteString: Int] = [:]
    /// By the sum of the hashes of their paths, so that order does not matter.
    private var shapes: [UInt64: Int] = [:]
    /// Features by the hash of a value as written, −1 for those that are not counted; and by that of a form.
    private var known: [UInt64: Int32] = [:]
    private var forms: [UInt64: Int32] = [:]
    private var texts = TextForm()

    /// Distinct words of a field. Chosen: more models, hosts, routes or error codes than a service has, fewer than users.
    package static let wordsMax = 1_000
    /// Distinct numbers of a field: status codes and sizes of queues, but no durations.
    package static let numbersMax = 100
    package static let fieldsMax = 4_096
    private static let knownMax = 1 << 18
    /// A word longer than this makes its field wide.
    private static let wordMax = 128
    private let featuresMax: Int

    package init(cells: Int) {
        self.cells = max(1, cells)
        rows = [Int](repeating: 0, count: self.cells)
        // 16 MiB of counts.
        featuresMax = min(200_000, (4 << 20) / self.cells)
    }

    // MARK: Counting

    package func add(rows count: Int, cell: Int) { rows[cell] += count }

    /// Counts rows of a feature; −1 is none.
    @inline(__always)
    package func add(_ feature: Int, cell: Int, _ count: Int) {
        guard feature >= 0 else { return }
        let at = feature * cells + cell
        counts[at] = UInt32(clamping: Int(counts[at]) + count)
    }

    package func count(_ feature: Int, cell: Int) -> Int { Int(counts[feature * cells + cell]) }

    // MARK: Features

    /// The number of a field; nil when there are too many.
    package func field(path: ByteString, kind: HoleKind, isLabel: Bool = false) -> Int? {
        let key = FieldKey(path: path, kind: isLabel ? 0xFF : kind.rawValue)
        if let number = fieldNumbers[key] { return number }
        guard fields.count < Self.fieldsMax else {
            isCut = true
            return nil
        }
        fieldNumbers[key] = fields.count
        fields.append(Field(path: path, kind: kind, isLabel: isLabel))
        let number = fields.count - 1
        // Presence is of the path, whatever stands there; a repeated key adds nothing to its first one.
        if !isLabel, kind != .line, path.bytes.last == 0 {
            if let known = presences[path] {
                fields[number].presence = known
            } else {
                fields[number].presence = make(.field, number, ByteString(fields[number].name))
                presences[path] = fields[number].presence
            }
        }
        return number
    }

    /// Whether values of the field need not be looked at, whatever they are.
    package func skips(_ field: Int) -> Bool {
        let field = fields[field]
        return field.isWide && (field.kind == .number || field.kind == .atom || field.isLabel)
            || field.kind == .array || field.kind == .object
    }

    package func isWide(_ field: Int) -> Bool { fields[field].isWide }
    package func markWide(_ field: Int) { fields[field].isWide = true }
    package func markLong(_ field: Int) { fields[field].isLong = true }

    /// Whether a value is a text, of which the form counts, rather than a word.
    package static func isText(_ value: ByteView) -> Bool {
        value.contains(0x20 as UInt8) || value.first == 0x2F || value.contains(ByteView("://"))
    }

    /// The feature of a value of a field, as written; −1 when it is not counted. Not for lines that are JSON objects.
    package func feature(of value: ByteView, in field: Int) -> Int {
        let key = Self.key(value, field)
        if let found = known[key] { return Int(found) }
        if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
        let found = isText(value, field) ? text(value, field) : word(value, field, key)
        known[key] = Int32(found)
        return found
    }

    private static func key(_ bytes: ByteView, _ field: Int) -> UInt64 {
        XXH3.of(bytes, seed: UInt64(truncatingIfNeeded: field) &* 0x9E37_79B9_7F4A_7C15 | 1)
    }

    private func isText(_ value: ByteView, _ field: Int) -> Bool {
        fields[field].kind == .line || (!fields[field].isLabel && Self.isText(value))
    }

    private func text(_ value: ByteView, _ field: Int) -> Int {
        guard let form = texts.form(of: value) else { return -1 }
        return feature(ofForm: form, field)
    }

    private func feature(ofForm form: ByteView, _ field: Int) -> Int {
        let key = Self.key(form, field)
        if let found = forms[key] { return Int(found) }
        let made = make(.text, field, ByteString(form))
        forms[key] = Int32(made)
        return made
    }

    private func word(_ value: ByteView, _ field: Int, _ key: UInt64) -> Int {
        guard !fields[field].isWide else { return -1 }
        let isNumber = fields[field].kind == .number
        if value.count > Self.wordMax || (isNumber && !Self.isWhole(value)) {
            fields[field].isWide = true
            return -1
        }
        // `known` forgets; the forms of texts and the words of a field share a table, whose hashes cannot meet: a form is
        // hashed as a value that has a space in it or begins with a slash, or as a line.
        if let found = forms[key] { return Int(found) }
        fields[field].words += 1
        if fields[field].words > (isNumber ? Self.numbersMax : Self.wordsMax) {
            fields[field].isWide = true
            return -1
        }
        let made = make(fields[field].isLabel ? .label : .value, field, ByteString(value))
        forms[key] = Int32(made)
        return made
    }

    private static func isWhole(_ value: ByteView) -> Bool {
        guard !value.isEmpty, value.count <= 19 else { return false }
        let digits = value.first == 0x2D ? value.suffix(from: 1) : value
        return !digits.isEmpty && digits.allSatisfy(\.isDigit)
    }

    /// The features that a row has for its fields alone: the shape, and each field's presence.
    package func features(ofFields fields: [Int]) -> [Int] {
        let own = fields.filter { self.fields[$0].presence >= 0 }
        guard !own.isEmpty else { return [] }
        var sum: UInt64 = 0
        for field in own { sum &+= self.fields[field].path.withView { XXH3.of($0) } }
        if let known = shapes[sum] { return [known] + own.map { self.fields[$0].presence } }
        let names = own.map { self.fields[$0].name }.sorted()
        let made = make(.shape, -1, ByteString(String(names.joined(separator: ", ").prefix(512))))
        shapes[sum] = made
        return [made] + own.map { self.fields[$0].presence }
    }

    private func make(_ kind: Kind, _ field: Int, _ text: ByteString) -> Int {
        guard features.count < featuresMax else {
            isCut = true
            return -1
        }
        features.append(Feature(kind: kind, field: field, text: text))
        counts.append(contentsOf: repeatElement(0, count: cells))
        return features.count - 1
    }

    /// Takes in what another census counted, of the same cells. O(its features).
    package func absorb(_ other: Census) {
        precondition(other.cells == cells)
        for cell in 0..<cells { rows[cell] += other.rows[cell] }
        isCut = isCut || other.isCut
        let mine = other.fields.map { theirs -> Int in
            guard let number = field(path: theirs.path, kind: theirs.kind, isLabel: theirs.isLabel) else { return -1 }
            fields[number].isWide = fields[number].isWide || theirs.isWide
            fields[number].isLong = fields[number].isLong || theirs.isLong
            return number
        }
        var shapeOf: [Int: UInt64] = [:]
        for (sum, feature) in other.shapes { shapeOf[feature] = sum }
        for (number, feature) in other.features.enumerated() {
            let field = feature.field < 0 ? -1 : mine[feature.field]
            let found: Int
            switch feature.kind {
            case .shape:
                guard let sum = shapeOf[number] else { continue }
                found = shapes[sum] ?? make(.shape, -1, feature.text)
                shapes[sum] = found
            case _ where field < 0: continue
            case .field: found = fields[field].presence
            case .text: found = feature.text.withView { self.feature(ofForm: $0, field) }
            case .value, .label: found = feature.text.withView { word($0, field, Self.key($0, field)) }
            }
            for cell in 0..<cells { add(found, cell: cell, other.count(number, cell: cell)) }
        }
    }

    // MARK: Reading

    /// Whether a feature stands for something: not a word of a field of ids.
    package func isTelling(_ feature: Int) -> Bool {
        let feature = features[feature]
        guard feature.field >= 0 else { return true }
        switch feature.kind {
        case .value, .label: return !fields[feature.field].isWide
        case .text: return !fields[feature.field].isLong
        case .field, .shape: return true
        }
    }

    /// To be called when everything is counted: fields of which most values occur once are ids, however few there are.
    package func settle() {
        var rowsOf = [Int](repeating: 0, count: fields.count)
        for (number, feature) in features.enumerated() where feature.kind == .value {
            for cell in 0..<cells { rowsOf[feature.field] += count(number, cell: cell) }
        }
        for field in fields.indices where fields[field].words >= 20 && fields[field].words * 2 > rowsOf[field] {
            fields[field].isWide = true
        }
    }
}
