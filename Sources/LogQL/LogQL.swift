/// Loki's query language: text in, tree out.
///
/// All types of the tree live in this namespace, so that `LogQL.LabelFilter` (what was written) and a type of the same
/// name that executes it can stand side by side.
package enum LogQL {
    /// Longest query, bytes: Loki's cap.
    package static let inputMax = 131_072
    /// How deep parentheses and functions may nest: the parser recurses, at some 2 KB a level, and must get along with
    /// half a megabyte of stack.
    package static let nestingMax = 128
    /// How high a tree may grow by chains such as `a + b + c …`; whoever walks it may recurse this deep.
    package static let heightMax = 1_024
    /// Regular expressions in one query.
    package static let regexesMax = 1_000
    /// Those of stream matchers, which stay in memory with the tree: each may take some hundred kilobytes.
    package static let matcherRegexesMax = 100
    /// Processor time that the regular expressions of one query may take to compile, nanoseconds. A usual one takes
    /// 0.1 ms, but nine bytes can ask for half a second (`\pL{100}`), and a query has room for ten thousand of them.
    package static let regexTimeMax: Int64 = 1_000_000_000
}
