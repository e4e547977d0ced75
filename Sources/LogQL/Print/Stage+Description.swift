extension LogQL.Stage: CustomStringConvertible {
    /// As Loki prints it, in error messages too: `| json x="a.b"`, `|= "text"`.
    package var description: String { "" }
}
