import Glibc
import NIOCore
import NIOHTTP1
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

    /// The failure of an address that is written out has another type than that of a name, and was taken for a server that is there and
    /// broken: nobody knocked, and after an outage of a minute a fleet came back over another minute.
    @Test(arguments: ["127.0.0.1", "localhost", "[::1]"]) func whereNobodyListensIsUnreachable(host: String) async {
        let transport = Transport(
            url: "http://\(host):1/loki/api/v1/push", timeout: 60_000_000_000, tls: TLSSettings(), proxy: ProxySettings(),
            followsRedirects: true, connections: 1, environment: { _ in nil })
        do throws(RequestFailure) {
            let answer = try await transport.post([:], ByteBuffer(string: "x"))
            Issue.record("port 1 answered \(answer.status)")
        } catch {
            #expect(error.isUnreachable, "\(error.words)")
        }
        await transport.shutdown()
    }
}
