import Glibc
import LogModel
import LogPipeline
import LogQuery
import Metrics
import Testing

@testable import LogServer

@Suite struct PortHolderTests {
    @Test func readsTheTableOfTheKernel() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:0C1C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
               1: 0100007F:0C1C 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
               2: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 99 1
            damaged
            """
        #expect(PortHolder.parse(table) == [.init(port: 3_100, inode: 4_711), .init(port: 8_080, inode: 99)])
        #expect(PortHolder.parse("").isEmpty)
    }

    @Test func aBusyPortNamesItsHolderAndAWayOut() async throws {
        try await withServer { server async throws in
            #expect(PortHolder.describe(port: server.port).hasSuffix("(pid \(getpid()))"))
            var settings = ServerSettings()
            settings.port = server.port
            let registry = Registry()
            let second = LogServer(
                settings: settings,
                parts: ServerParts(
                    reader: server.store, writer: server.store, engine: QueryEngine(store: server.store),
                    intake: Intake(), registry: registry))
            let error = await #expect(throws: ServerError.self) { try await second.run() }
            let message = error?.message ?? ""
            #expect(message.contains("cannot listen on 127.0.0.1:\(server.port): port \(server.port) is taken by "))
            #expect(message.contains("(pid \(getpid()))"))
            #expect(message.contains("--listen 127.0.0.1:"))
        }
    }
}
