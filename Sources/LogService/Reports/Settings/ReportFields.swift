import Bytes

/// Under which labels `| json` finds what reports look at. The defaults are what the shipped pipeline's logs say.
package struct ReportFields: Sendable, Equatable {
    package var model = "model"
    package var status = "status"
    package var errorType = "error_type"
    /// Milliseconds.
    package var duration = "duration_ms"
    /// The same in seconds, looked at where `duration` is missing.
    package var latency = "latency"
    /// Milliseconds to the first token, from the request.
    package var firstToken = "ttft_ms"
    /// Milliseconds before the work began.
    package var queue = "queue_ms"
    package var promptTokens = "prompt_tokens"
    package var completionTokens = "completion_tokens"
    /// Both together, looked at where they are not told apart.
    package var tokens = "tokens"
    package var totalTokens = "total_tokens"
    package var user = "user_id"
    package var host = "host"
    package var queueDepth = "queue_depth"
    package var running = "active_requests"
    package var score = "score"
    package var feedback = "feedback"
    package var flagged = "flagged"

    package init() {}

    /// `user=client_id`: look for users under `client_id`. Nested keys are joined by `_`, as `| json` names them.
    package mutating func set(_ text: String) throws(ReportFailure) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, Self.isLabel(parts[1]) else {
            throw ReportFailure("--field is NAME=LABEL such as user=client_id, not \(text)")
        }
        guard let path = Self.names[parts[0]] else {
            throw ReportFailure("--field: \(parts[0]) is none of \(Self.names.keys.sorted().joined(separator: ", "))")
        }
        self[keyPath: path] = parts[1]
    }

    private static var names: [String: WritableKeyPath<ReportFields, String>] {
        [
            "model": \.model, "status": \.status, "error": \.errorType, "duration": \.duration, "latency": \.latency,
            "first-token": \.firstToken, "queue": \.queue, "prompt": \.promptTokens, "completion": \.completionTokens,
            "tokens": \.tokens, "total": \.totalTokens, "user": \.user, "host": \.host, "queue-depth": \.queueDepth,
            "running": \.running, "score": \.score, "feedback": \.feedback, "flagged": \.flagged,
        ]
    }

    /// Names go into queries as they are.
    private static func isLabel(_ name: String) -> Bool {
        guard let first = name.utf8.first, first.isLetter || first == 0x5F else { return false }
        return name.utf8.allSatisfy { $0.isAlphanumeric || $0 == 0x5F }
    }
}

/// What went wrong, in words for standard error.
package struct ReportFailure: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}
