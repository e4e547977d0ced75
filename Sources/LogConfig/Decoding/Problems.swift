/// Collects what is wrong and what is odd while a file is decoded, so that one run tells everything.
final class Problems {
    /// Mistakes beyond this are not told: nobody reads them, and a wrong file may hold millions.
    static let countMax = 100

    let file: String
    /// Sources that this version cannot read are warned of and skipped instead of refused.
    let ignoresUnsupported: Bool
    private(set) var errors: [ConfigurationError] = []
    private(set) var warnings: [ConfigurationError] = []

    init(file: String, ignoresUnsupported: Bool = false) {
        self.file = file
        self.ignoresUnsupported = ignoresUnsupported
    }

    func error(_ message: String, at mark: YAMLMark, hint: String = "") {
        guard errors.count < Problems.countMax else { return }
        errors.append(
            ConfigurationError(file: file, line: mark.line, column: mark.column, message: message, hint: hint)
        )
    }

    func warning(_ message: String, at mark: YAMLMark, hint: String = "") {
        guard warnings.count < Problems.countMax else { return }
        warnings.append(
            ConfigurationError(file: file, line: mark.line, column: mark.column, message: message, hint: hint)
        )
    }
}
