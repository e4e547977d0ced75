import Bytes
import LogModel
import LogQL
import LogStages

/// A range aggregation that can be answered from columns: `| json`, label filters that the store decides, and samples and
/// series that are fields of the line or labels of the stream. Rows of which the store is not sure go through the
/// pipeline, so the plan never changes an answer.
struct ColumnPlan {
    /// Labels that make the series: `by (…)`; none for a single series.
    var names: [LabelName]
    /// The label whose number is the sample; nil: each row counts one.
    var unwrap: LabelName?

    /// nil where the pipeline must see every row.
    init?(
        _ predicate: ScanPredicate,
        _ aggregation: LogQL.RangeAggregation,
        _ identity: SeriesIdentity,
        dependsOnOrder: Bool,
        quirks: Bool
    ) {
        guard predicate.isPlainJSON, !quirks, !dependsOnOrder, aggregation.counted == nil else { return nil }
        switch aggregation.op {
        case .bytes, .bytesRate: return nil
        default: break
        }
        if let unwrap = aggregation.unwrap {
            guard case .none = unwrap.conversion, unwrap.filters.isEmpty else { return nil }
            self.unwrap = LabelName(unwrap.label)
        }
        switch identity.mode {
        case .nothing: names = []
        case .by: names = identity.names
        case .without: return nil
        }
        // At least one field must be looked at, or a row that is no JSON would pass for one.
        guard predicate.asksFields || unwrap != nil || !names.isEmpty else { return nil }
        for name in names + (unwrap.map { [$0] } ?? []) {
            let isPlain = name.bytes.withView { !$0.hasPrefix("__error") && !$0.hasSuffix(ByteView("_extracted")) }
            if !isPlain { return nil }
        }
    }
}
