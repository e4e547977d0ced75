import LogServer

/// The port of a running collector: metrics and readiness.
struct Observation: Sendable {
    private let task: Task<Void, any Error>
    let port: Int

    /// Returns once the port is open; throws why it cannot be.
    static func open(_ server: ObservationServer) async throws -> Observation {
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let task = Task.detached {
            defer { announce.finish() }
            try await server.run { announce.yield($0) }
        }
        for await port in ports { return Observation(task: task, port: port) }
        try await task.value
        throw Service.Failure(status: 2, message: "tailrace: the server for metrics ended before it listened")
    }

    func close() async {
        task.cancel()
        _ = try? await task.value
    }
}
