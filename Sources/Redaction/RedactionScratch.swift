import Bytes

/// Working memory and counters of one thread for one `Redactor` (`makeScratch`). Not thread-safe.
package final class RedactionScratch {
    /// Findings by `Detector.rawValue`, since the scratch was made. The owner adds the differences to its metrics.
    package internal(set) var counts = [Int](repeating: 0, count: Detector.allCases.count)
    /// Lines or values that could not be scanned and were replaced whole.
    package internal(set) var failures = 0
    /// Lines dropped by `drop_line`.
    package internal(set) var dropped = 0

    /// Where something may stand: a literal of `Redactor.triggers` (`trigger` ≥ 0) or a byte class.
    struct Sighting {
        var start: Int
        var end: Int
        var trigger: Int
        var kind: MarkScanner.Kind
    }

    /// A stretch of the raw line to replace.
    struct Patch {
        var range: Range<Int>
        var detector: Detector
        /// The stretch is a JSON number: what replaces it needs quotes.
        var needsQuotes: Bool
    }

    let triggers: LiteralScanner.Scratch?
    var marks = MarkScanner()
    var sightings: [Sighting] = []
    /// The sightings of the whole line while single values are looked at.
    var lineSightings: [Sighting] = []
    var findings: [Finding] = []
    var patches: [Patch] = []
    var cursor = JSONCursor()
    let levels = (0..<Redactor.depthMax).map { _ in DecodedText() }

    init(for scanner: LiteralScanner?) throws(RedactionError) {
        guard let scanner else {
            triggers = nil
            return
        }
        do throws(RegexError) { triggers = try LiteralScanner.Scratch(for: scanner) } catch {
            throw RedactionError(error.description)
        }
    }

    /// Makes the next line fail as if the engine had: for the test that nothing passes unscanned.
    package var failsNextScan = false
}
