import Bytes

/// Changes rows that are stored. Made by who knows what is to be changed, asked by a store that writes its segments anew. For one
/// thread. Asked twice of the same row it must say the same.
package protocol RowEditor: AnyObject {
    /// The rows that follow are this stream's. False: none of them changes.
    func begin(_ tenant: Tenant, _ labels: Labels) -> Bool

    /// What becomes of a row of the stream begun last. `line` is looked at during the call only.
    func verdict(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> RowVerdict
}

package enum RowVerdict {
    case keep
    case drop
    /// Stands in its place from now on; nil: as it was.
    case change(line: OwnedBytes?, metadata: Labels?)
}

/// What an editor has done to a store.
package struct EditTally: Sendable, Equatable {
    package var changed = 0
    package var dropped = 0
    package var segments = 0
    /// Parts that cannot be read, in words: what they hold is as it was.
    package var unreadable: [String] = []

    package init() {}
}
