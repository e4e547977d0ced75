import LogModel
import Synchronization

/// Delete requests in memory.
final class MemoryDeletions: DeletionLog {
    private let known = Mutex<[DeleteRequest]>([])

    func requests(of tenant: Tenant) -> [DeleteRequest] { known.withLock { $0.filter { $0.tenant == tenant } } }

    func add(_ request: DeleteRequest) throws(StoreError) { known.withLock { $0.append(request) } }

    func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool {
        known.withLock { known in
            let before = known.count
            known.removeAll { $0.id == id && $0.tenant == tenant }
            return known.count < before
        }
    }
}
