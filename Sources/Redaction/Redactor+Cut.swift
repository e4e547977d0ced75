import Bytes

// `drop_field`: a member of JSON or a pair of logfmt goes, with its comma or blank. Everything else stays byte for byte.
extension Redactor {
    /// The member whose value ends at `end` is to be cut, when something in it asks for that: a patch from `first` on.
    func cutMember(name: Range<Int>, end: Int, patchesFrom first: Int, _ scratch: RedactionScratch) {
        // Elements of lists have no name, and their number means something: they are masked.
        guard !name.isEmpty, let patch = scratch.patches[first...].first(where: { rules[$0.rule].mode == .dropField }) else { return }
        scratch.cuts.append(RedactionScratch.Cut(name: name, end: end, rule: patch.rule))
    }

    /// Cuts the members of a line of JSON that are to be cut: all together, since commas depend on what else goes.
    func cutMembers(_ line: ByteView, _ scratch: RedactionScratch) {
        guard !scratch.cuts.isEmpty else { return }
        scratch.cuts.sort { $0.name.lowerBound < $1.name.lowerBound }
        scratch.isUnordered = true
        var upTo = 0
        var cutUpTo = -1
        for cut in scratch.cuts where cut.name.lowerBound >= upTo {
            upTo = cut.end
            var patch = RedactionScratch.Patch(range: member(line, name: cut.name, end: cut.end, &cutUpTo), rule: cut.rule)
            patch.isCut = true
            scratch.patches.append(patch)
        }
    }

    /// What of the text goes with a member: it, and the comma before it; of the first one, or when all before it go too, the
    /// comma behind it. `cutUpTo`: where the next member begins when all before it in its object are cut; -1 at first.
    func member(_ line: ByteView, name: Range<Int>, end: Int, _ cutUpTo: inout Int) -> Range<Int> {
        let start = name.lowerBound - 1
        var comma = start - 1
        while line.at(comma).isJSONSpace { comma -= 1 }
        if line.at(comma) == UInt8(ascii: ","), cutUpTo != start { return comma..<end }
        var next = end
        while line.at(next).isJSONSpace { next += 1 }
        guard line.at(next) == UInt8(ascii: ",") else { return start..<end }
        next += 1
        while line.at(next).isJSONSpace { next += 1 }
        cutUpTo = next
        return start..<next
    }

    /// Cuts the pairs of a line of logfmt in which something asks for that. What stands in no pair is masked.
    func cutPairs(_ line: ByteView, _ scratch: RedactionScratch) {
        let asking = scratch.patches.filter { patch in
            // What goes with a member of a document in the text needs no pair.
            rules[patch.rule].mode == .dropField
                && !scratch.cuts.contains { $0.name.lowerBound <= patch.range.lowerBound && patch.range.upperBound <= $0.end }
        }.sorted { $0.range.lowerBound < $1.range.lowerBound }
        var next = 0
        var at = 0
        var cutUpTo = -1
        while next < asking.count, let pair = Redactor.nextPair(line, from: at) {
            at = pair.end
            while next < asking.count, asking[next].range.lowerBound < pair.value.lowerBound { next += 1 }
            guard next < asking.count, asking[next].range.upperBound <= pair.value.upperBound else { continue }
            let start = pair.name.lowerBound
            var cut = RedactionScratch.Patch(range: start..<pair.end, rule: asking[next].rule)
            if line.at(start - 1) == 0x20, cutUpTo != start {
                cut.range = start - 1..<pair.end
            } else if line.at(pair.end) == 0x20 {
                cut.range = start..<pair.end + 1
                cutUpTo = pair.end + 1
            }
            cut.isCut = true
            scratch.patches.append(cut)
            scratch.isUnordered = true
        }
    }

    /// A pair of logfmt.
    struct Pair {
        var name: Range<Int>
        /// Inside its quotes, where it has any.
        var value: Range<Int>
        var end: Int
    }

    /// The first pair that begins at `start` or behind it; words that are none are passed over.
    static func nextPair(_ line: ByteView, from start: Int) -> Pair? {
        let quote = UInt8(ascii: "\"")
        var at = start
        while at < line.count {
            while at < line.count, line[at] <= 0x20 { at += 1 }
            let from = at
            while at < line.count, line[at] > 0x20, line[at] != UInt8(ascii: "="), line[at] != quote { at += 1 }
            guard line.at(at) == UInt8(ascii: "="), at > from else {
                while at < line.count, line[at] > 0x20 { at += 1 }
                continue
            }
            let name = from..<at
            at += 1
            let value = at
            guard line.at(at) == quote else {
                while at < line.count, line[at] > 0x20 { at += 1 }
                return Pair(name: name, value: value..<at, end: at)
            }
            at += 1
            while at < line.count, line[at] != quote { at += line[at] == UInt8(ascii: "\\") ? 2 : 1 }
            // Without a closing quote the line was cut: all of the rest is the value.
            at = min(at, line.count)
            return Pair(name: name, value: value + 1..<at, end: min(at + 1, line.count))
        }
        return nil
    }
}
