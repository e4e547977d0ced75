import Bytes
import Disk
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// Lines that should have been redacted are written anew: those, nothing else, and no file holds them afterwards.
@Suite(.eachCodec) struct EditTests {
    /// Puts `***` in the place of `secret`, in lines and metadata; drops lines with `forget`.
    private final class Hush: RowEditor {
        private func hush(_ text: String) -> String? {
            let parts = text.split(separator: "secret", omittingEmptySubsequences: false)
            return parts.count > 1 ? parts.joined(separator: "***") : nil
        }

        func begin(_ tenant: Tenant, _ labels: Labels) -> Bool { labels["app"] != "kept" }

        func verdict(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> RowVerdict {
            if line.contains(ByteView("forget")) { return .drop }
            let other = hush(line.string)
            let set = Labels(metadata.pairs.map { Label($0.name, ByteString(hush($0.value.string) ?? $0.value.string)) })
            if other == nil, set == metadata { return .keep }
            return .change(line: other.map { OwnedBytes(Array($0.utf8)) }, metadata: set == metadata ? nil : set)
        }
    }

    private static func row(_ app: String, _ number: Int, _ line: String, _ metadata: KeyValuePairs<String, String> = [:]) -> StoredRow {
        StoredRow(labels: label(["app": app]), timestamp: noon + Int64(number), line: Array(line.utf8), metadata: label(metadata))
    }

    private static let written =
        sampleRows(300) + [
            row("a1", 1, "a secret here"), row("a1", 2, "forget this secret"), row("b", 3, "plain", ["who": "secret agent", "n": "1"]),
            row("b", 4, "secret both", ["who": "secret"]), row("b", 5, "plain"), row("gone", 6, "forget me"), row("kept", 7, "a secret stays"),
        ]
    private static let wanted =
        sampleRows(300) + [
            row("a1", 1, "a *** here"), row("b", 3, "plain", ["who": "*** agent", "n": "1"]), row("b", 4, "*** both", ["who": "***"]),
            row("b", 5, "plain"), row("kept", 7, "a secret stays"),
        ]

    @Test func changesTheseRowsAndNothingElse() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.codec = .none })
        _ = try await store.append(batch(Self.written))
        let tally = try await store.edit { Hush() }
        #expect(tally.changed == 3 && tally.dropped == 2 && tally.unreadable.isEmpty && tally.segments > 0)
        #expect(try rows(store) == Self.wanted.sorted())
        #expect(PhysicalDeletionTests.holders("secret here", disk) == [], "neither a segment nor the log")
        #expect(PhysicalDeletionTests.holders("secret agent", disk) == [])
        let again = try await store.edit { Hush() }
        #expect(again == EditTally(), "nothing is left to change, and nothing is written")
        await store.close()
        #expect(StoreVerification.run(try StoreView.open("data", disk: disk)).isClean)
        let reopened = try open(disk)
        #expect(try rows(reopened) == Self.wanted.sorted())
        await reopened.close()
    }

    @Test func whatIsDamagedIsToldAndStays() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(batch([Self.row("a1", 1, "a secret here")]))
        await store.close()
        let path = try #require(disk.paths.first { $0.contains("segment-") })
        var bytes = try #require(disk.bytes(of: path))
        for index in 64..<min(160, bytes.count) { bytes[index] ^= 0x55 }
        disk.setBytes(bytes, of: path)
        let again = try open(disk)
        let tally = try await again.edit { Hush() }
        let damaged = try again.catalogue(tenant: .fake, range: .all).damaged
        #expect(tally.changed == 0 && (!tally.unreadable.isEmpty || !damaged.isEmpty))
        await again.close()
        #expect(disk.bytes(of: path) == bytes, "nobody has touched it")
    }
}
