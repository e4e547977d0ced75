import Bytes
import LogModel
import LogStages

/// A line, and a key that is looked for in it. A line without faults means the same to all the readers.
@Sendable func fuzzLogfmt(_ input: ByteView) throws(FuzzTarget.Breach) {
    let parts = input.records(2)
    let (line, key) = (parts[0], parts[1])
    let lenient = try StageRun([.logfmt(LogfmtParser())], line)
    let strict = try StageRun([.logfmt(LogfmtParser(strict: true))], line)
    try expect(!lenient.hasError, "lenient, and an error")
    if !strict.hasError {
        try expect(lenient.labels == strict.labels, "lenient \(lenient.labels), strict \(strict.labels)")
    }
    try expectHintsAgree(.logfmt(LogfmtParser()), line, lenient)
    let full = try StageRun([.logfmt(LogfmtParser(keepEmpty: true))], line)
    for label in full.parsed.pairs where !label.value.isEmpty && lenient.labels[label.name] == nil {
        throw FuzzTarget.Breach("\(label.name) is there only where empty values are kept")
    }
    _ = LineFieldReader.logfmt(line, max: 100)

    for isStrict in [false, true] {
        let expressions = [FieldExpression("x", ByteString(key)), FieldExpression("y", "a")]
        guard let stage = try? LogfmtExpressionParser(expressions, strict: isStrict) else { break }
        _ = try StageRun([.logfmtExpressions(stage)], line)
    }
    let stage = LogfmtExtraction([(ByteString(key), 0), ("a", 1)], source: nil)
    var state = EntryState(slotCount: 2, labelBytes: ByteArena())
    state.begin(line)
    stage.run(&state)
    for slot in 0..<2 { _ = state.text(slot)?.string }
}
