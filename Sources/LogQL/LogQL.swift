/// Loki's query language: text in, tree out.
///
/// All types of the tree live in this namespace, so that `LogQL.LabelFilter` (what was written) and a type of the same
/// name that executes it can stand side by side.
package enum LogQL {
    /// Longest query, bytes: Loki's cap.
    package static let inputMax = 131_072
    /// How deep parentheses and functions may nest; beyond, the parser's recursion would be the caller's stack.
    package static let nestingMax = 256
    /// How high a tree may grow by chains such as `a + b + c …`; whoever walks it may recurse this deep.
    package static let heightMax = 1_024
    /// Regular expressions in one query. Each may cost a millisecond to compile, so their number is bounded as well as
    /// the text they stand in.
    package static let regexesMax = 1_000
}
