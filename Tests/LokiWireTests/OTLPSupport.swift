import Bytes
import LogModel
import LokiWire

/// Protobuf by hand: each call is one field.
enum OTLPWire {
    static func varint(_ number: Int, _ value: UInt64) -> [UInt8] { raw(UInt64(number) << 3) + raw(value) }
    static func bytes(_ number: Int, _ value: [UInt8]) -> [UInt8] {
        raw(UInt64(number) << 3 | 2) + raw(UInt64(value.count)) + value
    }
    static func text(_ number: Int, _ value: String) -> [UInt8] { bytes(number, Array(value.utf8)) }
    static func fixed64(_ number: Int, _ value: UInt64) -> [UInt8] {
        raw(UInt64(number) << 3 | 1) + (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }
    static func fixed32(_ number: Int, _ value: UInt32) -> [UInt8] {
        raw(UInt64(number) << 3 | 5) + (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
    }
    static func raw(_ value: UInt64) -> [UInt8] {
        let out = ByteArena()
        out.append(varint: value)
        return withExtendedLifetime(out) { out.view.copy() }
    }

    // The messages of OTLP.

    static func attribute(_ number: Int, _ key: String, _ value: [UInt8]) -> [UInt8] {
        bytes(number, text(1, key) + bytes(2, value))
    }
    static func attribute(_ number: Int, _ key: String, _ value: String) -> [UInt8] { attribute(number, key, text(1, value)) }

    /// A request with one resource, one scope and the records given.
    static func request(resource: [UInt8] = [], scope: [UInt8] = [], records: [[UInt8]]) -> [UInt8] {
        let scopeLogs = (scope.isEmpty ? [] : bytes(1, scope)) + records.flatMap { bytes(2, $0) }
        return bytes(1, (resource.isEmpty ? [] : bytes(1, resource)) + bytes(2, scopeLogs))
    }
}

let otlpNow: Int64 = 1_700_000_000_000_000_000

func decodeOTLP(
    _ body: [UInt8], type: String? = "application/x-protobuf", encoding: String? = nil, rules: OTLPRules = OTLPRules(),
    limits: PushLimits = PushLimits()
) throws -> CollectingSink {
    var sink = CollectingSink()
    let decoder = OTLPDecoder(limits: limits, mapping: try OTLPMapping(rules))
    try body.withView { view in
        _ = try decoder.decode(view, contentType: type, contentEncoding: encoding, now: otlpNow, into: &sink)
    }
    return sink
}

func decodeOTLP(json: String, rules: OTLPRules = OTLPRules()) throws -> CollectingSink {
    try decodeOTLP(Array(json.utf8), type: "application/json", rules: rules)
}

extension CollectingSink.Entry {
    /// `name=value` of each pair, in order.
    var metadataText: String { metadata.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
}
