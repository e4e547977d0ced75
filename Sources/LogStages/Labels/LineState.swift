import Bytes
import LogModel

/// One line on its way through the stages: its text, its labels, its error, and the working memory of the stages.
///
/// Labels have three categories: those of the stream, structured metadata, and parsed ones (made by a stage). A name has
/// at most one current value. The rules, which are Loki's:
/// - metadata whose name a stream label has is called `name_extracted`;
/// - a parser that finds a name of the stream or the metadata stores `name_extracted`, once; that beats metadata of the
///   same name;
/// - of two parsed values of one name the first stays, even when it was dropped in between;
/// - `label_format` overwrites in place, and the label becomes a parsed one;
/// - a deleted name is absent; a label with an empty value is present, except one of the stream.
///
/// Made once for a worker and reused: `begin` forgets the line before, and nothing allocates once the buffers have
/// grown. Names and values are slices of the line where they stand there as they are, else of an arena; views that
/// this type hands out are valid until the next call that changes it.
package struct LineState: ~Copyable {
    package enum Category: UInt8, Sendable, CaseIterable { case stream, metadata, parsed }

    /// Bytes by their place, because the arena moves when it grows.
    struct Piece {
        enum Origin: UInt8 { case line, text, arena, base }
        var origin: Origin
        var start: Int
        var count: Int
    }

    struct Entry {
        var name: Piece
        var value: Piece
        var category: Category
        /// A tombstone: the name is absent, but remembered as extracted.
        var isDeleted = false
        /// It was a tombstone at some time, even if a stage has set it since.
        var wasDeleted = false
        /// A stage has set it: no parser sets it again.
        var isExtracted = false
    }

    // Of stream and metadata: stays as long as they do.
    private var base = ByteArena()
    private var baseEntries: [Entry] = []
    private var baseHashes: [UInt32] = []
    private var streamCount = 0
    private var streamBytes = 0
    private var baseError: Piece?
    private var baseErrorDetails: Piece?
    private var baseIsChanged = false

    // Of the line.
    private var original = ByteView()
    private var current: Piece
    /// Lines that stages made. Apart from `arena`, so that a view on the line holds while a stage adds labels.
    private var texts = ByteArena()
    private var arena = ByteArena(capacity: 4096)
    private var entries: [Entry] = []
    private var hashes: [UInt32] = []
    private var index = NameIndex()
    private var faultName: Piece?
    private var faultDetails: Piece?
    private var found: UInt64 = 0
    private var foundCount = 0

    /// Nanoseconds since 1970.
    package private(set) var timestamp: Int64 = 0
    /// What `unwrap` made of the line.
    package var sample = 0.0

    package let hints: ParserHints

    /// Conditions on single labels that follow the parser at work: each is asked as soon as its label is extracted, so
    /// that a line need not be read to its end. Observable where a value does not convert: the error is there before
    /// the stages between. (As in Loki; see `ParserHints.filtersActEarly` for where it is not.)
    var eager: [EagerFilter] = []
    /// An eager filter has dropped the line: the parser returns false.
    private(set) var isRejected = false

    struct EagerFilter: Sendable {
        var name: LabelName
        var filter: LabelFilter
    }

    // Working memory of stages.
    var json = JSONCursor()
    var groups: [Range<Int>?] = []
    /// Text under construction: never holds what outlives a stage.
    var scratch = ByteArena(capacity: 1024)
    /// A name under construction.
    var nameBuffer = ByteArena()
    var templates = TemplateMemory()

    package init(hints: ParserHints = .everything) {
        self.hints = hints
        current = Piece(origin: .line, start: 0, count: 0)
    }

    // MARK: Begin

    /// The stream of the lines to come. Forgets the metadata.
    package mutating func setStream(_ labels: Labels) {
        base.reset()
        baseEntries.removeAll(keepingCapacity: true)
        baseHashes.removeAll(keepingCapacity: true)
        for pair in labels.pairs where !pair.value.isEmpty {
            appendBase(pair.name, pair.value, .stream, suffix: false)
        }
        streamCount = baseEntries.count
        streamBytes = base.count
        baseError = nil
        baseErrorDetails = nil
        baseIsChanged = true
    }

    /// The structured metadata of the lines to come. Call it when it changes; after `setStream`.
    package mutating func setMetadata(_ labels: Labels) {
        if labels.isEmpty, baseEntries.count == streamCount, baseError == nil, baseErrorDetails == nil { return }
        base.truncate(to: streamBytes)
        baseEntries.removeLast(baseEntries.count - streamCount)
        baseHashes.removeLast(baseHashes.count - streamCount)
        baseError = nil
        baseErrorDetails = nil
        baseIsChanged = true
        for pair in labels.pairs {
            let name = LabelName(pair.name)
            if name == .error {
                baseError = appendBase(pair.value)
            } else if name == .errorDetails {
                baseErrorDetails = appendBase(pair.value)
            } else if !pair.value.isEmpty {
                let collides = pair.name.withView { view in
                    baseIndex(hash: name.hash, view, upTo: streamCount) != nil
                }
                // Two pairs may come out with one name: the first stays.
                appendBase(pair.name, pair.value, .metadata, suffix: collides)
            }
        }
    }

    private mutating func appendBase(_ bytes: ByteString) -> Piece {
        let start = base.count
        base.append(bytes)
        return Piece(origin: .base, start: start, count: bytes.count)
    }

    private mutating func appendBase(_ name: ByteString, _ value: ByteString, _ category: Category, suffix: Bool) {
        let start = base.count
        base.append(name)
        if suffix { base.append(LabelName.collisionSuffix) }
        let namePiece = Piece(origin: .base, start: start, count: base.count - start)
        let hash = LabelName.hash(of: base[start..<base.count])
        if baseIndex(hash: hash, base[start..<base.count], upTo: baseEntries.count) != nil {
            base.truncate(to: start)
            return
        }
        baseEntries.append(Entry(name: namePiece, value: appendBase(value), category: category))
        baseHashes.append(hash)
    }

    @inline(__always) private func baseIndex(hash: UInt32, _ name: ByteView, upTo end: Int) -> Int? {
        for i in 0..<end where baseHashes[i] == hash {
            let piece = baseEntries[i].name
            if base[piece.start..<piece.start + piece.count] == name { return i }
        }
        return nil
    }

    /// A new line of the stream and metadata set before. `line` must stay valid until the line has been dealt with.
    package mutating func begin(_ line: ByteView, timestamp: Int64) {
        original = line
        current = Piece(origin: .line, start: 0, count: line.count)
        self.timestamp = timestamp
        arena.reset()
        texts.reset()
        if baseIsChanged {
            entries.removeAll(keepingCapacity: true)
            hashes.removeAll(keepingCapacity: true)
            entries.append(contentsOf: baseEntries)
            hashes.append(contentsOf: baseHashes)
            baseIsChanged = false
        } else {
            entries.removeLast(entries.count - baseEntries.count)
            hashes.removeLast(hashes.count - baseHashes.count)
        }
        index.clear()
        faultName = baseError
        faultDetails = baseErrorDetails
        found = 0
        foundCount = 0
        sample = 0
        isRejected = false
    }

    // MARK: The line

    /// The line as the stages so far have left it. Valid until it is replaced; adding labels does not move it.
    @inline(__always) package var line: ByteView { view(current) }

    /// Whether a stage has replaced the line.
    package var isLineChanged: Bool { current.origin != .line || current.start != 0 || current.count != original.count }

    /// Replaces the line by the contents of `scratch`.
    mutating func setLineFromScratch() { replaceLine(by: scratch.view) }

    /// Replaces the line by `part`, a view on the line or on a buffer of this state.
    mutating func setLine(_ part: ByteView) {
        if let at = original.offset(of: part) {
            current = Piece(origin: .line, start: at, count: part.count)
        } else if let at = texts.view.offset(of: part) {
            current = Piece(origin: .text, start: at, count: part.count)
        } else {
            replaceLine(by: part)
        }
    }

    private mutating func replaceLine(by bytes: ByteView) {
        let start = texts.count
        texts.append(bytes)
        current = Piece(origin: .text, start: start, count: bytes.count)
    }

    // MARK: Pieces

    // Inlined everywhere: a call would copy the whole state to lend it.
    @inline(__always) func view(_ piece: Piece) -> ByteView {
        let range = piece.start..<piece.start + piece.count
        switch piece.origin {
        case .line: return original[range]
        case .text: return texts[range]
        case .arena: return arena[range]
        case .base: return base[range]
        }
    }

    /// The place of `part` if it lies in the line or a buffer of this state, else of a copy.
    mutating func piece(_ part: ByteView) -> Piece {
        if let at = original.offset(of: part) { return Piece(origin: .line, start: at, count: part.count) }
        if let at = texts.view.offset(of: part) { return Piece(origin: .text, start: at, count: part.count) }
        if let at = arena.view.offset(of: part) { return Piece(origin: .arena, start: at, count: part.count) }
        if let at = base.view.offset(of: part) { return Piece(origin: .base, start: at, count: part.count) }
        return store(part)
    }

    /// Copies foreign bytes (not those of the arena itself) into the arena.
    mutating func store(_ bytes: ByteView) -> Piece {
        let start = arena.count
        arena.append(bytes)
        return Piece(origin: .arena, start: start, count: bytes.count)
    }

    /// Copies foreign bytes into the arena, with a space for each U+FFFD and each byte that is not UTF-8.
    mutating func store(cleaned bytes: ByteView) -> Piece {
        let start = arena.count
        LabelValueText.appendCleaned(bytes, to: arena)
        return Piece(origin: .arena, start: start, count: arena.count - start)
    }

    // MARK: Look-up

    @inline(__always) private func entryIndex(hash: UInt32, _ name: ByteView) -> Int? {
        if index.isActive {
            return index.find(hash) { view(entries[$0].name) == name }
        }
        for i in hashes.indices where hashes[i] == hash {
            if view(entries[i].name) == name { return i }
        }
        return nil
    }

    private func entryIndex(_ name: LabelName) -> Int? {
        name.bytes.withView { entryIndex(hash: name.hash, $0) }
    }

    /// The current value of a label, nil where it is absent. The error slots are not labels here: see `errorText`.
    @inline(__always) package func value(_ name: LabelName) -> ByteView? {
        guard let i = entryIndex(name), !entries[i].isDeleted else { return nil }
        return view(entries[i].value)
    }

    /// Whether a stage has removed the label, be it there again or not. Loki forgets such labels when it groups.
    package func wasDeleted(_ name: LabelName) -> Bool { entryIndex(name).map { entries[$0].wasDeleted } ?? false }

    /// The category of a label, nil where it is absent.
    package func category(_ name: LabelName) -> Category? {
        guard let i = entryIndex(name), !entries[i].isDeleted else { return nil }
        return entries[i].category
    }

    /// As filters and matchers see it: `__error__` is the error, everything else a label.
    package func filterValue(_ name: LabelName) -> ByteView? {
        if name == .error {
            guard let faultName else { return nil }
            return view(faultName)
        }
        return value(name)
    }

    /// As templates and results see it: both error slots win over labels of their name.
    package func visibleValue(_ name: LabelName) -> ByteView? {
        if let faultName, name == .error { return view(faultName) }
        if let faultDetails, name == .errorDetails { return view(faultDetails) }
        return value(name)
    }

    /// The labels of `names` that are present, in that order.
    func visibleLabels(_ names: [LabelName]) -> [Label] {
        var pairs: [Label] = []
        pairs.reserveCapacity(names.count)
        for name in names {
            if let value = visibleValue(name) { pairs.append(Label(name.bytes, ByteString(value))) }
        }
        return pairs
    }

    // MARK: Parsers' way in

    /// What a parser shall do with a name that it found.
    enum Admission {
        /// Not wanted, or already there.
        case refused
        /// `setParsed` with this slot.
        case granted(ParsedSlot)
    }

    struct ParsedSlot {
        var hash: UInt32
        var name: Piece
        /// Where a tombstone or metadata of the name stands.
        var existing: Int?
    }

    /// Asks whether the label `name`, sanitised, is to be extracted, and under which name. `name` may be a view on the
    /// line, `nameBuffer` or any other foreign buffer.
    mutating func admit(_ name: ByteView) -> Admission {
        var hash = LabelName.hash(of: name)
        let at = entryIndex(hash: hash, name)
        if let at, at < baseEntries.count, baseEntries[at].category != .parsed {
            // The stream or the metadata has it, be it overwritten or dropped by now.
            let start = arena.count
            arena.append(name)
            arena.append(LabelName.collisionSuffix)
            let suffixed = arena[start..<arena.count]
            hash = LabelName.hash(of: suffixed)
            let other = entryIndex(hash: hash, suffixed)
            if let other, entries[other].isExtracted || !wants(hash, suffixed) {
                arena.truncate(to: start)
                return .refused
            }
            if other == nil, !wants(hash, suffixed) {
                arena.truncate(to: start)
                return .refused
            }
            let piece = Piece(origin: .arena, start: start, count: arena.count - start)
            return .granted(ParsedSlot(hash: hash, name: piece, existing: other))
        }
        if let at {
            if entries[at].isExtracted || !wants(hash, name) { return .refused }
            return .granted(ParsedSlot(hash: hash, name: entries[at].name, existing: at))
        }
        if !wants(hash, name) { return .refused }
        return .granted(ParsedSlot(hash: hash, name: piece(name), existing: nil))
    }

    @inline(__always) private func wants(_ hash: UInt32, _ name: ByteView) -> Bool {
        !hints.limits || hints.required.index(hash: hash, name: name) != nil
    }

    /// Stores the value of an admitted label.
    mutating func setParsed(_ slot: ParsedSlot, _ value: ByteView) {
        setParsed(slot, piece(value))
    }

    /// The part of the current line. O(1).
    @inline(__always) func linePiece(_ range: Range<Int>) -> Piece {
        Piece(origin: current.origin, start: current.start + range.lowerBound, count: range.count)
    }

    mutating func setParsed(_ slot: ParsedSlot, _ value: Piece) {
        if let existing = slot.existing {
            overwrite(existing, value)
        } else {
            append(slot.hash, slot.name, value)
        }
        recordExtracted(slot.hash, view(slot.name))
        if !eager.isEmpty { askEagerFilters(slot) }
    }

    private mutating func askEagerFilters(_ slot: ParsedSlot) {
        for filter in eager where filter.name.hash == slot.hash && filter.name.bytes == view(slot.name) {
            if hints.filtersActEarly {
                if !filter.filter.process(&self) { isRejected = true }
            } else if let value = value(filter.name), filter.filter.refuses(value) {
                isRejected = true
            }
        }
    }

    /// Whether a parser should stop: nothing more is wanted, or the line is dropped.
    @inline(__always) var isDone: Bool { isRejected || isSatisfied }

    /// Whether nothing is left to be extracted: parsers may stop, and later ones need not start.
    @inline(__always) var isSatisfied: Bool {
        hints.needsNothing || (hints.limits && foundCount == hints.required.count)
    }

    /// Whether a stream or metadata label has that name.
    func baseHas(_ name: LabelName) -> Bool {
        name.bytes.withView { baseIndex(hash: name.hash, $0, upTo: baseEntries.count) != nil }
    }

    private mutating func recordExtracted(_ hash: UInt32, _ name: ByteView) {
        guard hints.limits, let i = hints.required.index(hash: hash, name: name), i < 64, found >> UInt64(i) & 1 == 0
        else { return }
        found |= 1 << UInt64(i)
        foundCount += 1
    }

    private mutating func append(_ hash: UInt32, _ name: Piece, _ value: Piece) {
        entries.append(Entry(name: name, value: value, category: .parsed, isExtracted: true))
        hashes.append(hash)
        if index.isActive {
            index.insert(hash, entries.count - 1, hashes)
        } else if entries.count > NameIndex.threshold {
            index.build(hashes)
        }
    }

    private mutating func overwrite(_ at: Int, _ value: Piece) {
        if at < baseEntries.count { baseIsChanged = true }
        entries[at].value = value
        entries[at].category = .parsed
        entries[at].isDeleted = false
        entries[at].isExtracted = true
    }

    // MARK: Changes by other stages

    /// Sets a label whatever it was: it is a parsed one now. `value` may be a view on the line, a buffer of this state
    /// or foreign bytes.
    package mutating func set(_ name: LabelName, _ value: ByteView) {
        set(name, piece(value))
    }

    mutating func set(_ name: LabelName, _ value: Piece) {
        if let at = entryIndex(name) {
            overwrite(at, value)
        } else {
            let piece = name.bytes.withView { store($0) }
            append(name.hash, piece, value)
        }
        name.bytes.withView { recordExtracted(name.hash, $0) }
    }

    /// Removes a label whatever its category. The error slots are cleared by their names.
    package mutating func delete(_ name: LabelName) {
        if name == .error {
            faultName = nil
            return
        }
        if name == .errorDetails {
            faultDetails = nil
            return
        }
        guard let at = entryIndex(name) else { return }
        delete(at: at)
    }

    private mutating func delete(at: Int) {
        if at < baseEntries.count { baseIsChanged = true }
        entries[at].isDeleted = true
        entries[at].wasDeleted = true
    }

    /// Removes every label for which `keeps` is false; the errors stay.
    mutating func deleteAll(unless keeps: (_ hash: UInt32, _ name: ByteView, _ value: ByteView) -> Bool) {
        for i in entries.indices where !entries[i].isDeleted {
            if !keeps(hashes[i], view(entries[i].name), view(entries[i].value)) { delete(at: i) }
        }
    }

    // MARK: Errors

    package var hasError: Bool { faultName.map { $0.count > 0 } ?? false }
    /// The value of `__error__`, nil when the line has none.
    package var errorText: ByteView? { faultName.map { view($0) } }
    package var errorDetails: ByteView? { faultDetails.map { view($0) } }

    /// Sets `__error__`, whatever it was; `details` nil leaves the details alone.
    mutating func fail(_ fault: LineFault, _ details: ByteView? = nil) {
        faultName = store(ByteView(fault.text))
        if let details { faultDetails = store(details) }
    }

    mutating func fail(_ fault: LineFault, _ details: StaticString) { fail(fault, ByteView(details)) }
    mutating func fail(_ fault: LineFault, _ details: String) { details.withView { fail(fault, $0) } }

    // MARK: Results

    /// Calls `body` with each label present (deleted ones are not, the error slots are), in no order.
    package func forEach(_ body: (_ name: ByteView, _ value: ByteView, _ category: Category) -> Void) {
        let hidesError = faultName != nil
        let hidesDetails = faultDetails != nil
        for i in entries.indices where !entries[i].isDeleted {
            let name = view(entries[i].name)
            if hidesError, name == ByteView("__error__") { continue }
            if hidesDetails, name == ByteView("__error_details__") { continue }
            body(name, view(entries[i].value), entries[i].category)
        }
        if let faultName { body(ByteView("__error__"), view(faultName), .parsed) }
        if let faultDetails { body(ByteView("__error_details__"), view(faultDetails), .parsed) }
    }

    /// All labels merged, or those of some categories.
    package func labels(_ categories: [Category] = Category.allCases) -> Labels {
        var pairs: [Label] = []
        pairs.reserveCapacity(entries.count + 2)
        forEach { name, value, category in
            if categories.contains(category) { pairs.append(Label(ByteString(name), ByteString(value))) }
        }
        return Labels(pairs)
    }

    /// The labels with these names that are present, as after `by (…)`; an empty value is kept.
    package func labels(by names: [LabelName]) -> Labels {
        var pairs: [Label] = []
        for name in names {
            if let value = visibleValue(name) { pairs.append(Label(name.bytes, ByteString(value))) }
        }
        return Labels(pairs)
    }

    /// The labels without those names, as after `without (…)`.
    package func labels(without names: [LabelName]) -> Labels {
        var pairs: [Label] = []
        forEach { name, value, _ in
            if !names.contains(where: { $0.bytes == name }) { pairs.append(Label(ByteString(name), ByteString(value))) }
        }
        return Labels(pairs)
    }

    // A sum of pair hashes does not depend on the order in which labels came to be.
    private static func pairHash(_ name: ByteView, _ value: ByteView) -> UInt64 {
        XXH3.of(value, seed: XXH3.of(name, seed: LabelName.seed))
    }

    /// 64 bits that tell label sets apart, the errors included. Equal sets have equal fingerprints within a process.
    package var fingerprint: UInt64 {
        var sum: UInt64 = 0
        forEach { name, value, _ in sum &+= Self.pairHash(name, value) }
        return sum
    }

    /// The fingerprint of `labels(by:)`. O(names).
    package func fingerprint(by names: [LabelName]) -> UInt64 {
        var sum: UInt64 = 0
        for name in names {
            guard let value = visibleValue(name) else { continue }
            sum &+= name.bytes.withView { Self.pairHash($0, value) }
        }
        return sum
    }

    /// The fingerprint of `labels(without:)`.
    package func fingerprint(without names: [LabelName]) -> UInt64 {
        var sum: UInt64 = 0
        forEach { name, value, _ in
            if !names.contains(where: { $0.bytes == name }) { sum &+= Self.pairHash(name, value) }
        }
        return sum
    }
}
