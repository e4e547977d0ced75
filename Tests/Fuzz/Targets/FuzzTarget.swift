import Bytes

/// A reader of outside bytes with the properties that hold for any input.
///
/// One definition for two users: `make fuzz` feeds it what libFuzzer invents, and `FuzzReplayTests` what was found
/// before (`FailCases`) and what the search begins with (`Seeds`).
package struct FuzzTarget: Sendable {
    /// Names the folders of seeds and found cases.
    package let name: String
    /// Throws when a property does not hold; a trap, a hang or too much memory is for the caller to notice.
    package let run: @Sendable (ByteView) throws(Breach) -> Void

    /// A property that does not hold, in words that show the values.
    package struct Breach: Error, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    package static let all: [FuzzTarget] = [
        FuzzTarget(name: "logql", run: fuzzLogQL),
        FuzzTarget(name: "query", run: fuzzQuery),
        FuzzTarget(name: "push-json", run: fuzzPushJSON),
        FuzzTarget(name: "push-protobuf", run: fuzzPushProtobuf),
        FuzzTarget(name: "snappy", run: fuzzSnappy),
        FuzzTarget(name: "otlp-json", run: fuzzOTLPJSON),
        FuzzTarget(name: "otlp-protobuf", run: fuzzOTLPProtobuf),
        FuzzTarget(name: "json", run: fuzzJSON),
        FuzzTarget(name: "logfmt", run: fuzzLogfmt),
        FuzzTarget(name: "pattern", run: fuzzPattern),
        FuzzTarget(name: "template", run: fuzzTemplate),
        FuzzTarget(name: "values", run: fuzzValues),
    ]
}

/// Throws a breach unless `holds`.
func expect(_ holds: Bool, _ words: @autoclosure () -> String) throws(FuzzTarget.Breach) {
    if !holds { throw FuzzTarget.Breach(words()) }
}

extension ByteView {
    /// The parts of an input that stands for several texts, apart by the ASCII record separator. Always `count` of
    /// them; missing ones are empty, the last one takes what is left.
    func records(_ count: Int) -> [ByteView] {
        var parts: [ByteView] = []
        var rest = self
        while parts.count < count - 1 {
            guard let end = rest.firstIndex(of: 0x1E) else { break }
            parts.append(rest[0..<end])
            rest = rest.suffix(from: end + 1)
        }
        parts.append(rest)
        while parts.count < count { parts.append(ByteView()) }
        return parts
    }
}
