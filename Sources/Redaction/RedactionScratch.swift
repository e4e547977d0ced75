import Bytes

/// Working memory and counters of one thread for one `Redactor` (`makeScratch`).
package final class RedactionScratch {
    /// Replaced candidates by `Detector.rawValue`, since the scratch was made. The owner adds the differences to its
    /// metrics.
    package internal(set) var counts = [Int](repeating: 0, count: Detector.allCases.count)
    /// Lines or values that could not be scanned and were replaced whole.
    package internal(set) var failures = 0
    /// Lines dropped by `drop_line`.
    package internal(set) var dropped = 0

    let triggers: LiteralScanner.Scratch

    init(for scanner: LiteralScanner) throws(RedactionError) {
        do throws(RegexError) { triggers = try LiteralScanner.Scratch(for: scanner) } catch {
            throw RedactionError(error.description)
        }
    }
}
