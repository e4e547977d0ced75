import Glibc
import Synchronization
import Testing

@testable import LogShipping

final class Seen: Sendable {
    private let list = Mutex<[ShippingClient.Outcome]>([])
    func add(_ outcome: ShippingClient.Outcome) { list.withLock { $0.append(outcome) } }
    var all: [ShippingClient.Outcome] { list.withLock { $0 } }
}

@Suite struct ConnectionFailureTests {
    @Test func errnoBecomesPlainWords() {
        let origin = Destination.origin(of: "http://log:3100/loki/api/v1/push")
        #expect(origin == "http://log:3100")
        #expect(ConnectionFailure.words(code: ECONNREFUSED, origin: origin) == "connection refused by http://log:3100")
        #expect(ConnectionFailure.words(code: ECONNRESET, origin: origin) == "http://log:3100 closed the connection")
        #expect(ConnectionFailure.words(code: ENOMEM, origin: origin).hasPrefix("http://log:3100 cannot be reached: "))
    }
}
