import Bytes

// `drop_field`: a member of JSON or a pair of logfmt goes, with its comma or blank. Everything else stays byte for byte.
extension Redactor {
    /// Cuts the member whose value ends at `end`, when something in it asks for that: a patch from `first` on.
    func cutMember(_ line: ByteView, name: Range<Int>, end: Int, patchesFrom first: Int, _ scratch: RedactionScratch) {
        // Elements of lists have no name, and their number means something: they are masked.
        guard !name.isEmpty, let patch = scratch.patches[first...].first(where: { rules[$0.rule].mode == .dropField }) else { return }
        var cut = RedactionScratch.Patch(range: member(line, name: name, end: end, scratch), rule: patch.rule)
        cut.isCut = true
        scratch.patches.append(cut)
        scratch.isUnordered = true
    }

    /// What of the text goes with a member: it, and the comma before it; of the first one, or when all before it go too, the
    /// comma behind it.
    func member(_ line: ByteView, name: Range<Int>, end: Int, _ scratch: RedactionScratch) -> Range<Int> {
        let start = name.lowerBound - 1
        var comma = start - 1
        while line.at(comma).isJSONSpace { comma -= 1 }
        if line.at(comma) == UInt8(ascii: ","), scratch.cutUpTo != start { return comma..<end }
        var next = end
        while line.at(next).isJSONSpace { next += 1 }
        guard line.at(next) == UInt8(ascii: ",") else { return start..<end }
        next += 1
        while line.at(next).isJSONSpace { next += 1 }
        scratch.cutUpTo = next
        return start..<next
    }

    /// Cuts the pairs of a line of logfmt in which something asks for that. What stands in no pair is masked.
    func cutPairs(_ line: ByteView, _ scratch: RedactionScratch) {
        let asking = scratch.patches.filter { rules[$0.rule].mode == .dropField }
        guard !asking.isEmpty else { return }
        var next = 0
        var at = 0
        while at < line.count, next < asking.count {
            if line[at] <= 0x20 {
                at += 1
                continue
            }
            let pair = at..<Redactor.pairEnd(line, at)
            at = max(pair.upperBound, at + 1)
            while next < asking.count, asking[next].range.lowerBound < pair.lowerBound { next += 1 }
            guard next < asking.count, asking[next].range.upperBound <= pair.upperBound,
                let sign = line[pair].firstIndex(of: UInt8(ascii: "=")), sign > 0,
                asking[next].range.lowerBound > pair.lowerBound + sign
            else { continue }
            var cut = RedactionScratch.Patch(range: pair, rule: asking[next].rule)
            if line.at(pair.lowerBound - 1) == 0x20, scratch.cutUpTo != pair.lowerBound {
                cut.range = pair.lowerBound - 1..<pair.upperBound
            } else if line.at(pair.upperBound) == 0x20 {
                cut.range = pair.lowerBound..<pair.upperBound + 1
                scratch.cutUpTo = pair.upperBound + 1
            }
            cut.isCut = true
            scratch.patches.append(cut)
            scratch.isUnordered = true
        }
    }

    /// The end of the word or pair that begins at `start`: at a blank that is not between quotes.
    private static func pairEnd(_ line: ByteView, _ start: Int) -> Int {
        var i = start
        while i < line.count, line[i] > 0x20, line[i] != UInt8(ascii: "=") { i += 1 }
        guard line.at(i) == UInt8(ascii: "="), line.at(i + 1) == UInt8(ascii: "\"") else {
            while i < line.count, line[i] > 0x20 { i += 1 }
            return i
        }
        i += 2
        while i < line.count, line[i] != UInt8(ascii: "\"") { i += line[i] == UInt8(ascii: "\\") ? 2 : 1 }
        return min(line.count, i + 1)
    }
}
