import Bytes
import LogQL

/// Any text is a tree or an error. A tree printed, in one line or as `format_query` does, is read as the same tree.
@Sendable func fuzzLogQL(_ input: ByteView) throws(FuzzTarget.Breach) {
    let text = input.string
    let tree: LogQL.Expression
    do throws(LogQLError) {
        tree = try LogQL.parse(text, allowEmpty: true)
    } catch {
        try expect(!error.description.isEmpty, "an error without words")
        return
    }
    try expectReadsAs(tree, "\(tree)")
    try expectReadsAs(tree, LogQL.pretty(tree))
}

private func expectReadsAs(_ tree: LogQL.Expression, _ printed: String) throws(FuzzTarget.Breach) {
    let again: LogQL.Expression
    do throws(LogQLError) {
        again = try LogQL.parse(printed, allowEmpty: true)
    } catch {
        // What is folded to no number, as `0 / 0`, prints as Loki prints it, for which the language has no word.
        if printed.contains("NaN") || printed.contains("Inf") { return }
        throw FuzzTarget.Breach("printed as \(printed), which is refused: \(error)")
    }
    // NaN, which a number may be, equals nothing: then the text stands for the tree.
    try expect(again == tree || "\(again)" == "\(tree)", "printed as \(printed), read as \(again)")
}
