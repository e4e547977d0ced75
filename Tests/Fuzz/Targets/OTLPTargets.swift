import Bytes
import LogModel
import LokiWire

@Sendable func fuzzOTLPProtobuf(_ input: ByteView) throws(FuzzTarget.Breach) {
    try otlp(input, type: "application/x-protobuf")
}

@Sendable func fuzzOTLPJSON(_ input: ByteView) throws(FuzzTarget.Breach) {
    try otlp(input, type: "application/json")
}

/// A request becomes rows or words, under the usual mapping and one with all its kinds of rules; a line is no more than
/// its value written as JSON.
private func otlp(_ input: ByteView, type: String) throws(FuzzTarget.Breach) {
    for mapping in [OTLPMapping.standard, manyRules] {
        var rows = PushedRows()
        do throws(PushError) {
            _ = try OTLPDecoder(limits: .fuzzing, mapping: mapping)
                .decode(input, contentType: type, contentEncoding: nil, now: 1_700_000_000_000_000_000, into: &rows)
        } catch {
            try expect(!error.message.isEmpty, "refused without words")
            let answer = ByteArena()
            OTLPAnswer.status(error.message, type == "application/json" ? .json : .protobuf, into: answer)
        }
        for row in rows.rows {
            // The longest way to write a byte is `\u0000`; an empty pair, two bytes of protobuf, is `"":null,`.
            try expect(row.line.count <= 64 + 6 * input.count, "a line of \(row.line.count) bytes from \(input.count)")
        }
    }
}

private let manyRules: OTLPMapping = {
    var rules = OTLPRules()
    rules.resource = [
        OTLPRules.Rule(.indexLabel, attributes: ["service.name", "a"]),
        OTLPRules.Rule(.structuredMetadata, regex: "b.*"), OTLPRules.Rule(.drop, attributes: ["c"]),
    ]
    rules.scope = [OTLPRules.Rule(.drop, regex: ".*x.*")]
    rules.record = [OTLPRules.Rule(.drop, attributes: ["d"]), OTLPRules.Rule(.structuredMetadata, regex: "[a-z]+")]
    return (try? OTLPMapping(rules)) ?? .standard
}()
