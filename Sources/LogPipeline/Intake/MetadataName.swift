import Bytes
import LogModel

/// A name of structured metadata that a pipeline sets, looked at once.
struct MetadataName: Sendable {
    /// As it is stored and sent.
    let text: ByteString
    /// Its place among the names of levels, if it is one; OpenTelemetry's severity number comes last.
    let levelRank: Int?
    private let isNumber: Bool

    init(_ name: ByteString) {
        let normalized = (try? MetadataNames.normalize(name)) ?? name
        text = normalized
        isNumber = normalized == "severity_number"
        levelRank = isNumber ? LevelDetector.keys.count : LevelDetector.keys.firstIndex { $0 == normalized }
    }

    /// The level that a value of this name stands for; nil for a word that is none.
    func level(_ value: ByteView) -> LogLevel? { isNumber ? LogLevel(severityNumber: value) : LogLevel(word: value) }
}
