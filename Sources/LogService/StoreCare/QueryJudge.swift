import LogModel
import LogQuery

/// Tells the store what delete requests mean: by the parser and the stages of queries, which it does not know itself.
struct QueryJudge: DeletionJudge {
    var settings: QuerySettings
    var isPhysical: @Sendable (Tenant) -> Bool

    init(settings: QuerySettings, isPhysical: @escaping @Sendable (Tenant) -> Bool = { _ in true }) {
        self.settings = settings
        self.isPhysical = isPhysical
    }

    /// As a plan has it.
    init(_ plan: ServicePlan) {
        let (limits, tenants) = (plan.limits, plan.tenantLimits)
        self.init(settings: plan.query) { (tenants[$0] ?? limits).deletionMode == .filterAndDelete }
    }

    func sieve(_ requests: [DeleteRequest]) throws -> any RowSieve {
        try DeletionSieve(requests, quirks: settings.lokiQuirks)
    }

    func removes(_ tenant: Tenant) -> Bool { isPhysical(tenant) }
}
