import Bytes
import LogModel
import Testing

@Suite struct LabelTableTests {
    @Test func numbersSetsInTheOrderInWhichTheyCome() {
        var table = LabelTable()
        var sets: [Labels] = []
        let all = (0..<5000).map { Labels(["job": "a", "pod": "pod-\($0)"]) }
        for (i, labels) in all.enumerated() { #expect(table.number(of: labels, in: &sets) == i) }
        for (i, labels) in all.enumerated().reversed() { #expect(table.number(of: labels, in: &sets) == i) }
        #expect(sets == all)
        #expect(table.count == all.count)
        table.removeAll()
        sets = []
        #expect(table.number(of: all[7], in: &sets) == 0)
    }

    /// Equal hashes are no equal sets.
    @Test func comparesWhereHashesAreEqual() {
        var table = LabelTable()
        for number in 0..<100 { table.insert(42, number) }
        #expect(table.find(42) { $0 == 77 } == 77)
        #expect(table.find(42) { _ in false } == nil)
        #expect(table.find(43) { _ in true } == nil)
    }

    /// What is a name and what a value, and where one ends, is part of the hash.
    @Test func hashesTellSetsApart() {
        let sets: [Labels] = [
            Labels(), Labels(["a": "b"]), Labels(["b": "a"]), Labels(["ab": ""]), Labels(["": "ab"]),
            Labels(["a": "b", "c": "d"]), Labels(["a": "bcd"]), Labels(["abc": "d"]),
        ]
        #expect(Set(sets.map(\.contentHash)).count == sets.count)
        #expect(Set(sets).count == sets.count)
        #expect(Labels([Label("x", "1"), Label("a", "2")]).contentHash == Labels(["a": "2", "x": "1"]).contentHash)
    }
}
