/// A candidate that a validator has confirmed.
struct Finding: Equatable {
    var detector: Detector
    var range: Range<Int>

    /// Sorts and makes disjoint: what overlaps becomes one finding over all of it, named by the detector that comes
    /// first in `Detector`'s order. So nothing that any detector found stays, and the result does not depend on the
    /// order in which candidates were met. O(n log n).
    static func resolve(_ findings: inout [Finding]) {
        guard findings.count > 1 else { return }
        findings.sort { a, b in
            a.range.lowerBound != b.range.lowerBound
                ? a.range.lowerBound < b.range.lowerBound : a.range.upperBound > b.range.upperBound
        }
        var kept = 0
        for i in 1..<findings.count {
            let next = findings[i]
            if next.range.lowerBound < findings[kept].range.upperBound {
                let end = max(findings[kept].range.upperBound, next.range.upperBound)
                findings[kept].range = findings[kept].range.lowerBound..<end
                if next.detector < findings[kept].detector { findings[kept].detector = next.detector }
            } else {
                kept += 1
                findings[kept] = next
            }
        }
        findings.removeLast(findings.count - kept - 1)
    }
}
