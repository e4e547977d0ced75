import Bytes
import LogModel
import Synchronization

/// All streams of an open store: each has a number, the same as long as the store is open, never given twice.
///
/// Streams that no part holds any more stay until the store is opened anew.
final class StreamTable: Sendable {
    struct Stream: Sendable {
        var tenant: Tenant
        var labels: Labels
        /// The order of streams in segments, the same in every process: XXH3 of tenant and labels.
        var rank: UInt64
    }

    struct State {
        var numbers = LabelTable()
        var streams: [Stream] = []
        var tenants: [Tenant: LabelIndex] = [:]
    }

    private let state = Mutex(State())

    /// Numbers of several streams, new ones where needed.
    func register(_ tenant: Tenant, _ labels: [Labels]) -> [UInt32] {
        state.withLock { state in labels.map { StreamTable.register(&state, tenant, $0) } }
    }

    func register(_ tenant: Tenant, _ labels: Labels) -> UInt32 {
        state.withLock { StreamTable.register(&$0, tenant, labels) }
    }

    private static func register(_ state: inout State, _ tenant: Tenant, _ labels: Labels) -> UInt32 {
        let hash = tenant.name.withView { XXH3.of($0, seed: labels.contentHash) }
        let known = state.numbers.find(hash) {
            state.streams[$0].labels == labels && state.streams[$0].tenant == tenant
        }
        if let known { return UInt32(known) }
        let number = UInt32(state.streams.count)
        state.numbers.insert(hash, Int(number))
        state.streams.append(Stream(tenant: tenant, labels: labels, rank: rank(tenant, labels)))
        state.tenants[tenant, default: LabelIndex()].add(number, labels)
        return number
    }

    static func rank(_ tenant: Tenant, _ labels: Labels) -> UInt64 {
        let bytes = ByteArena(capacity: 512)
        tenant.name.withView { bytes.append(prefixed: $0) }
        labels.encode(into: bytes)
        return XXH3.of(bytes.view)
    }

    /// All streams known now; index = number.
    func all() -> [Stream] { state.withLock { $0.streams } }

    var count: Int { state.withLock { $0.streams.count } }

    /// Streams of a tenant that satisfy all matchers, and the table to look their labels up in.
    ///
    /// Matchers are evaluated outside the lock, on a copy of the index that shares its memory.
    func match(_ tenant: Tenant, _ matchers: [LabelMatcher]) -> (set: StreamSet, streams: [Stream]) {
        let (index, streams) = state.withLock { ($0.tenants[tenant], $0.streams) }
        guard let index else { return (StreamSet(capacity: 0), streams) }
        return (index.match(matchers, capacity: streams.count), streams)
    }
}
