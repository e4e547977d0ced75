import LogModel
import LogQuery
import LogStore

/// A data directory as it is on the disk, beside a server that has it open or without one. Nothing of it is changed.
enum OfflineStore {
    static func open(_ directory: String) throws -> any StoreReader {
        let view = try StoreView.open(directory)
        return HidingReader(view, deletions: KeptDeletions(all: view.requests))
    }

    /// What the owner was asked to delete and has not yet.
    private struct KeptDeletions: DeletionLog {
        var all: [DeleteRequest]

        func requests(of tenant: Tenant) -> [DeleteRequest] { all.filter { $0.tenant == tenant && !$0.isProcessed } }

        func add(_ request: DeleteRequest) throws(StoreError) {
            throw StoreError(.invalid, "a directory that is only read takes no requests")
        }

        func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool { false }
    }
}
