/// What a redactor looks for and what it does with it. The number of a rule is its place in `Redactor.rules`; that of a
/// detector is its `rawValue`.
package struct RedactionRule: Sendable, Equatable {
    /// In replacements (`[REDACTED:email]`) and in the label `rule` of metrics.
    package let name: String
    package let mode: RedactionSettings.Mode
    /// Whether it is looked for at all.
    package let isOn: Bool
}
