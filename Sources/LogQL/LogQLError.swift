/// Why a query was refused.
package struct LogQLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// All that the user reads, in Loki's words: `parse error at line 1, col 9: syntax error: …`.
    package var message: String
    /// 1-based, 0 where none is known. Loki prints line 0 for tokens that its scanner reads rune by rune, and so do we.
    package var line: Int
    /// 1-based, counted in characters; 0 where none is known.
    package var column: Int

    /// With Loki's prefix in front of `text`.
    package init(parse text: String, line: Int = 0, column: Int = 0) {
        self.line = line
        self.column = column
        message =
            line == 0 && column == 0
            ? "parse error : \(text)" : "parse error at line \(line), col \(column): \(text)"
    }

    /// Without a prefix.
    package init(plain text: String) {
        message = text
        line = 0
        column = 0
    }

    /// A stage that reads well but cannot be built: `parse error : stage '| json x="["' : …`.
    package init(stage: LogQL.Stage, _ reason: String) {
        self.init(parse: "stage '\(stage)' : \(reason)")
    }

    package var description: String { message }
}
