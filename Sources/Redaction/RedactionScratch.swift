import Bytes

/// Working memory and counters of one thread for one `Redactor` (`makeScratch`). Not thread-safe.
package final class RedactionScratch {
    /// Where a text belongs.
    package enum Target: Int, CaseIterable, Sendable { case line, label, metadata }

    /// Why a text could not be scanned.
    package enum Failure: Int, CaseIterable, Sendable {
        /// The engine failed, or there was no memory for it.
        case engine
        /// More places to look at than a text may have.
        case candidates
        /// More time than a text may take.
        case budget
    }

    /// Findings by `Detector.rawValue`, since the scratch was made.
    package internal(set) var counts = [Int](repeating: 0, count: Detector.allCases.count)
    /// Lines or values that could not be scanned and were replaced whole, since the scratch was made.
    package internal(set) var failures = 0
    /// Lines dropped by `drop_line`.
    package internal(set) var dropped = 0

    /// What has been found and not been asked for yet: by target, then detector.
    private var found = [Int](repeating: 0, count: Target.allCases.count * Detector.allCases.count)
    private var failed = [Int](repeating: 0, count: Failure.allCases.count)
    private var droppedBefore = 0
    private var isFresh = false
    var target = Target.line
    var failure = Failure.engine

    func count(_ detector: Detector) {
        counts[Int(detector.rawValue)] += 1
        found[target.rawValue * Detector.allCases.count + Int(detector.rawValue)] += 1
        isFresh = true
    }

    func countFailure() {
        failures += 1
        failed[failure.rawValue] += 1
        failure = .engine
        isFresh = true
    }

    func countDropped() {
        dropped += 1
        isFresh = true
    }

    /// Hands over what was counted since it was asked last, for metrics.
    package func drain(
        findings: (Target, Detector, Int) -> Void, failures: (Failure, Int) -> Void, dropped takeDropped: (Int) -> Void
    ) {
        guard isFresh else { return }
        isFresh = false
        for target in Target.allCases {
            for detector in Detector.allCases {
                let index = target.rawValue * Detector.allCases.count + Int(detector.rawValue)
                if found[index] > 0 { findings(target, detector, found[index]) }
                found[index] = 0
            }
        }
        for failure in Failure.allCases where failed[failure.rawValue] > 0 {
            failures(failure, failed[failure.rawValue])
            failed[failure.rawValue] = 0
        }
        if dropped > droppedBefore { takeDropped(dropped - droppedBefore) }
        droppedBefore = dropped
    }

    var time: TimeBudget
    /// Whether the detectors stopped because the time was over.
    var isOverBudget = false

    /// Whether the text looked at begins a private key and does not end it.
    var opensKey = false

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

    init(for scanner: LiteralScanner?, budget: Int64) throws(RedactionError) {
        time = TimeBudget(nanoseconds: budget)
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
