import Bytes
import LogModel
import LogStages

/// A line, and a path that is looked for in it: queries' `json` and `unpack`, the collector's `json`, and the fields that
/// nobody described.
@Sendable func fuzzJSON(_ input: ByteView) throws(FuzzTarget.Breach) {
    let parts = input.records(2)
    let (line, path) = (parts[0], parts[1])
    let all = try StageRun([.json(JSONParser())], line)
    try expectHintsAgree(.json(JSONParser()), line, all)
    _ = try StageRun([.unpack(UnpackParser())], line)
    _ = try StageRun([.json(JSONParser()), .unpack(UnpackParser()), .json(JSONParser())], line)
    _ = LineFieldReader.json(line, max: 100)

    let expressions = [FieldExpression("x", ByteString(path)), FieldExpression("y", "a.b[0]")]
    if let stage = try? JSONExpressionParser(expressions) {
        _ = try StageRun([.jsonExpressions(stage)], line)
    }
    guard let wanted = try? JMESPath(path.string), let other = try? JMESPath("a") else { return }
    let stage = JSONExtraction([(wanted, 0), (other, 1)], source: nil)
    var state = EntryState(slotCount: 2, labelBytes: ByteArena())
    var cursor = JSONCursor()
    for _ in 0..<2 {
        state.begin(line)
        _ = stage.run(&state, &cursor)
        for slot in 0..<2 { _ = state.text(slot)?.string }
    }
}
