/// Somebody wants lines gone: from the moment it is kept, no query shows them.
package struct DeleteRequest: Sendable, Equatable {
    /// Unique in the store.
    package var id: String
    package var tenant: Tenant
    /// A log query without stages that change anything: a selector, and filters behind it. All lines that it yields.
    package var query: String
    /// Nanoseconds, both ends included.
    package var start: Int64
    package var end: Int64
    /// Wall clock, nanoseconds.
    package var createdAt: Int64
    /// When its lines had all left the disk, wall clock, nanoseconds; nil: they have not, and queries must hide them.
    package var processedAt: Int64?

    package init(
        id: String, tenant: Tenant, query: String, start: Int64, end: Int64, createdAt: Int64, processedAt: Int64? = nil
    ) {
        self.id = id
        self.tenant = tenant
        self.query = query
        self.start = start
        self.end = end
        self.createdAt = createdAt
        self.processedAt = processedAt
    }

    /// A new id: eight hexadecimal digits, as Loki's.
    package static func identity() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    package var isProcessed: Bool { processedAt != nil }

    /// Whether some moment of the range belongs to it.
    package func overlaps(_ range: TimeRange) -> Bool {
        range.overlaps(first: Timestamp(nanoseconds: start), last: Timestamp(nanoseconds: end))
    }
}

/// Keeps delete requests as durably as lines.
package protocol DeletionLog: Sendable {
    /// All of a tenant, oldest first. Asked by every query: must be cheap where there are none.
    func requests(of tenant: Tenant) -> [DeleteRequest]

    /// Returns when the request is durable.
    func add(_ request: DeleteRequest) throws(StoreError)

    /// Takes a request back: what it hid is seen again. False where there is none of that id.
    func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool
}
