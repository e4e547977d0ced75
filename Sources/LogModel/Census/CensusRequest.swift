import Bytes

/// Which rows are counted, and into which cells.
///
/// A cell is a window of time and one of the values of a label: cell `group × windows + window`. Rows whose label has
/// none of the named values go into a last group of their own.
package struct CensusRequest: Sendable {
    package var tenant: Tenant
    package var matchers: [LabelMatcher]
    /// Disjoint, ascending or not.
    package var windows: [TimeRange]
    /// The label that divides rows; nil: one group.
    package var by: ByteString?
    /// Values of that label that are told apart.
    package var groups: [ByteString]
    package var budget: QueryBudget
    package var cancel: CancelFlag

    package init(
        tenant: Tenant, matchers: [LabelMatcher], windows: [TimeRange], by: ByteString? = nil, groups: [ByteString] = [],
        budget: QueryBudget = QueryBudget(), cancel: CancelFlag = CancelFlag()
    ) {
        self.tenant = tenant
        self.matchers = matchers
        self.windows = windows
        self.by = by
        self.groups = groups
        self.budget = budget
        self.cancel = cancel
    }

    /// Groups with that of the rest.
    package var groupCount: Int { by == nil ? 1 : groups.count + 1 }
    package var cells: Int { groupCount * windows.count }

    package func group(of labels: Labels) -> Int {
        guard let by else { return 0 }
        let value = labels[by] ?? ByteString()
        return groups.firstIndex(of: value) ?? groups.count
    }

    /// The window that a time lies in.
    package func window(of time: Int64) -> Int? {
        windows.firstIndex { $0.contains(Timestamp(nanoseconds: time)) }
    }

    /// From the first window's start to the last one's end.
    package var range: TimeRange {
        TimeRange(windows.map(\.start).min() ?? .min, windows.map(\.end).max() ?? .min)
    }
}

/// A store that can count what lines look like without putting them together.
package protocol CensusReader: StoreReader {
    /// nil: not for this request, rows must be read.
    func census(_ request: CensusRequest) throws -> Census?
}
