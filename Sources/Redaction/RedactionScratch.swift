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

    /// Findings by number of the rule, since the scratch was made.
    package internal(set) var counts: [Int]
    /// Lines or values that could not be scanned and were replaced whole, since the scratch was made.
    package internal(set) var failures = 0
    /// Lines dropped by `drop_line`.
    package internal(set) var dropped = 0

    /// What has been found and not been asked for yet: by target, then rule.
    private var found: [Int]
    private var failed = [Int](repeating: 0, count: Failure.allCases.count)
    private var droppedBy: [Int]
    private var isFresh = false
    var target = Target.line
    var failure = Failure.engine

    func count(_ rule: Int) {
        counts[rule] += 1
        found[target.rawValue * counts.count + rule] += 1
        isFresh = true
    }

    func countFailure() {
        failures += 1
        failed[failure.rawValue] += 1
        failure = .engine
        isFresh = true
    }

    func countDropped(by rule: Int) {
        dropped += 1
        droppedBy[rule] += 1
        isFresh = true
    }

    /// Hands over what was counted since it was asked last, for metrics: findings by target and number of the rule, failures,
    /// and dropped texts by number of the rule.
    package func drain(
        findings: (Target, Int, Int) -> Void, failures: (Failure, Int) -> Void, dropped takeDropped: (Int, Int) -> Void
    ) {
        guard isFresh else { return }
        isFresh = false
        for target in Target.allCases {
            for rule in counts.indices {
                let index = target.rawValue * counts.count + rule
                if found[index] > 0 { findings(target, rule, found[index]) }
                found[index] = 0
            }
        }
        for failure in Failure.allCases where failed[failure.rawValue] > 0 {
            failures(failure, failed[failure.rawValue])
            failed[failure.rawValue] = 0
        }
        for rule in droppedBy.indices where droppedBy[rule] > 0 {
            takeDropped(rule, droppedBy[rule])
            droppedBy[rule] = 0
        }
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

        /// In place of a trigger: an address of a host may begin here.
        static let address = -2
    }

    /// A stretch of the raw line to replace.
    struct Patch {
        var range: Range<Int>
        /// Number of the rule.
        var rule: Int
        /// The stretch is a value of JSON without quotes, in a document so many strings deep: what replaces it needs some.
        var quoteLevel: Int?
        /// What replaces it, in `written`; nil: the mode and the stretch say it.
        var text: Range<Int>?
        /// More than the rule found: what is left of it in other modes would be no rest of the value, so it is masked.
        var isWider = false
        /// The stretch goes, and nothing replaces it. It was counted with another patch.
        var isCut = false
    }

    /// A member of JSON that goes: its key, and where its value ends.
    struct Cut {
        var name: Range<Int>
        var end: Int
        var rule: Int
    }

    let triggers: LiteralScanner.Scratch?
    var marks = MarkScanner()
    var sightings: [Sighting] = []
    /// The sightings of the whole line while single values are looked at.
    var lineSightings: [Sighting] = []
    var findings: [Finding] = []
    var patches: [Patch] = []
    /// Whether `patches` are not in ascending order.
    var isUnordered = false
    /// Replacements that were made from decoded text.
    let written = ByteArena(capacity: 256)
    /// Members of a line of JSON that go.
    var cuts: [Cut] = []
    /// Whether the text holds the key of a field.
    var seesFields = false
    /// Made when there are fields to look for.
    lazy var fields = FieldWalk()
    /// Whether rules of the configuration's own may match in the text at hand.
    var matchesOwn = false
    var groups: [Range<Int>?] = []
    var cursor = JSONCursor()
    let levels = (0..<Redactor.depthMax).map { _ in DecodedText() }

    init(for scanner: LiteralScanner?, rules: Int, budget: Int64) throws(RedactionError) {
        counts = [Int](repeating: 0, count: rules)
        found = [Int](repeating: 0, count: Target.allCases.count * rules)
        droppedBy = counts
        time = TimeBudget(nanoseconds: budget)
        guard let scanner else {
            triggers = nil
            return
        }
        do throws(RegexError) { triggers = try LiteralScanner.Scratch(for: scanner) } catch {
            throw RedactionError(error.description)
        }
    }

    /// A new text.
    func begin(_ target: Target) {
        patches.removeAll(keepingCapacity: true)
        isUnordered = false
        if !written.isEmpty { written.reset() }
        if !cuts.isEmpty { cuts.removeAll(keepingCapacity: true) }
        seesFields = false
        self.target = target
        opensKey = false
        time.start()
    }

    /// Makes the next line fail as if the engine had: for the test that nothing passes unscanned.
    package var failsNextScan = false
}
