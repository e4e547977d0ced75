/// One mistake in a configuration file, or one thing worth a warning.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package var file: String
    /// Counted from 1; 0 when the file as a whole is meant.
    package var line: Int
    /// Counted from 1, in characters.
    package var column: Int
    package var message: String
    /// What to do about it. May be empty.
    package var hint: String

    package init(file: String, line: Int = 0, column: Int = 0, message: String, hint: String = "") {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
    }

    /// As compilers print: `tailrace.yaml:12:5: unknown key …`, the hint on a line of its own.
    package var description: String {
        let place = line > 0 ? "\(file):\(line):\(column)" : file
        return "\(place): \(message)" + (hint.isEmpty ? "" : "\n  hint: \(hint)")
    }
}

/// All mistakes of a file, in the order of their places. Never empty.
package struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    package var items: [ConfigurationError]

    package init(_ items: [ConfigurationError]) { self.items = items }

    package var description: String { items.map(\.description).joined(separator: "\n") }
}
