import Synchronization

/// Waits for the outcomes of the parts of one batch, and tells the worst of them once.
package final class OutcomeTally: Sendable {
    private let state: Mutex<(waiting: Int, worst: ShippingClient.Outcome)>
    private let done: @Sendable (ShippingClient.Outcome) -> Void

    /// `count`: parts to wait for, at least one.
    package init(_ count: Int, _ done: @escaping @Sendable (ShippingClient.Outcome) -> Void) {
        state = Mutex((count, .accepted))
        self.done = done
    }

    package func add(_ outcome: ShippingClient.Outcome) {
        let last: ShippingClient.Outcome? = state.withLock { state in
            if outcome.rank > state.worst.rank { state.worst = outcome }
            state.waiting -= 1
            return state.waiting == 0 ? state.worst : nil
        }
        if let last { done(last) }
    }
}

extension ShippingClient.Outcome {
    /// What matters most for the positions: one part that is to be sent again holds back all.
    fileprivate var rank: Int {
        switch self {
        case .accepted: 0
        case .refused: 1
        case .dropped: 2
        case .undelivered: 3
        }
    }
}
