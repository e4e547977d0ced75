/// Whose data it is. Without multi-tenancy everything belongs to `fake`, Loki's word for it.
package struct Tenant: Hashable, Sendable, CustomStringConvertible {
    package let name: String

    package static let fake = Tenant(unchecked: "fake")

    private init(unchecked name: String) { self.name = name }

    /// Several tenants that are read as if they were one: `a|b`. Nothing is ever written for such a tenant.
    package init(federated tenants: [Tenant]) { name = tenants.map(\.name).joined(separator: "|") }

    package var isFederated: Bool { name.utf8.contains(0x7C) }

    /// The tenants that a federated one stands for; of any other itself alone.
    package var members: [Tenant] { name.split(separator: "|").map { Tenant(unchecked: String($0)) } }

    /// Loki's rule: 1 to 150 of letters, digits and `!-_.*'()`, neither `.` nor `..`.
    package init?(_ name: String) {
        let extra = Set("!-_.*'()".utf8)
        guard (1...150).contains(name.utf8.count), name != ".", name != "..",
            name.utf8.allSatisfy({ c in
                (c >= 0x30 && c <= 0x39) || (c | 0x20 >= 0x61 && c | 0x20 <= 0x7A) || extra.contains(c)
            })
        else { return nil }
        self.name = name
    }

    package var description: String { name }
}
