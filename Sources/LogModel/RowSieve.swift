import Bytes

/// Picks rows that queries are about. Made by who knows the query language, asked by a store, which does not: for what
/// delete requests want gone, and for what an export is to hold. For one thread.
package protocol RowSieve: AnyObject {
    /// The rows that follow are this stream's. Returns the times, both ends included, outside of which none of them is
    /// picked; nil: none is at all.
    func begin(_ tenant: Tenant, _ labels: Labels) -> ClosedRange<Int64>?

    /// Whether a row of the stream begun last is picked. `line` is looked at during the call only.
    func picks(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> Bool
}

/// Makes sieves of delete requests.
package protocol DeletionJudge: Sendable {
    /// Picks what at least one of the requests wants gone, by the same evaluation as queries. Throws where one of them
    /// cannot be read any more.
    func sieve(_ requests: [DeleteRequest]) throws -> any RowSieve

    /// Whether a tenant's deleted lines are to leave the disk, or to be hidden only.
    func removes(_ tenant: Tenant) -> Bool
}
