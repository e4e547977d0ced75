import Bytes
import Redaction

/// A redactor and its scratch, for strings.
struct Bench {
    let redactor: Redactor
    let scratch: RedactionScratch

    init() throws {
        redactor = Shared.redactor
        scratch = try redactor.makeScratch()
    }

    init(_ settings: RedactionSettings) throws {
        redactor = try Redactor(settings)
        scratch = try redactor.makeScratch()
    }

    init(_ detector: Detector) throws { try self.init(RedactionSettings(detectors: [detector])) }

    func redact(_ line: [UInt8]) -> (Redactor.Outcome, [UInt8]) {
        let out = ByteArena()
        let outcome = line.withView { redactor.redact($0, scratch, into: out) }
        return (outcome, outcome == .clean ? line : out.view.copy())
    }

    func callAsFunction(_ line: String) -> String { String(decoding: redact(Array(line.utf8)).1, as: UTF8.self) }

    func value(_ value: String, name: String) -> (Redactor.Outcome, String) {
        let out = ByteArena()
        let outcome = value.withView { text in
            name.withView { redactor.redactValue(text, name: $0, scratch, into: out) }
        }
        return (outcome, outcome == .clean ? value : out.view.string)
    }
}

/// Compiled once: compiling the literals takes tens of milliseconds.
enum Shared {
    static let redactor: Redactor = {
        guard let made = try? Redactor() else { preconditionFailure("the default redactor must compile") }
        return made
    }()
}

/// Repeatable random numbers (splitmix64).
struct Dice: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
