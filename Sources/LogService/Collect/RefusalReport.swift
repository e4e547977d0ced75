/// What a person should hear of the lines of one batch that the store's limits refused: one line, however many they are.
enum RefusalReport {
    /// `messages`: Loki's words, one a reason and entry. Nil when nothing was refused.
    static func line(count: Int, messages: [String]) -> String? {
        guard count > 0 || !messages.isEmpty else { return nil }
        var reasons: [String] = []
        for message in messages {
            let reason = reason(of: message)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        let lines = max(count, messages.count)
        var text = "\(lines) line\(lines == 1 ? "" : "s") refused"
        if !reasons.isEmpty { text += ": " + reasons.joined(separator: "; ") }
        if let example = messages.first { text += "; for example: \(example)" }
        if reasons.contains(future) {
            text += ". If these lines are not from the future, their time zone is missing: `location:` in the `timestamp` "
                + "stage names it; `limits.creation_grace_period` allows more"
        }
        return text
    }

    private static let future = "their time is too far in the future"

    private static func reason(of message: String) -> String {
        if message.contains("timestamp too new") { return future }
        if message.contains("timestamp too old") { return "they are older than limits.reject_old_samples_max_age" }
        if message.contains("max entry size") { return "they are longer than limits.max_line_size" }
        if message.contains("structured metadata") { return "their structured metadata is over the limits" }
        if message.contains("label") { return "the labels of their stream are over the limits" }
        return "they are over a limit"
    }
}
