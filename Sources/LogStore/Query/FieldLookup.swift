import Bytes
import LogModel

/// Where the value of a label that `| json` makes stands, for the templates of a segment.
struct FieldLookup {
    enum Place: Equatable {
        /// Lines of the template have no such label.
        case missing
        case column(Int)
        /// The line must be read.
        case unknown
    }

    private let name: ByteString
    private let layout: SegmentLayout

    init(_ name: ByteString, _ layout: SegmentLayout) {
        self.name = name
        self.layout = layout
    }

    /// O(holes of the template).
    func place(in template: UInt32) -> Place {
        var found: Int?
        for column in layout.templates.columns(of: Int(template)) {
            let about = layout.columns[column]
            if about.kind == .line { return .unknown }
            // A key of escapes or of other letters may become any name.
            guard let label = about.label else { return .unknown }
            // An array makes no label.
            if about.kind == .array { continue }
            if about.kind == .object {
                let isInside = name.withView { name in
                    label.withView { name.count > $0.count && name.hasPrefix($0) && (name[$0.count] == 0x5F || $0.isEmpty) }
                }
                // A blank key in it takes the object's own name.
                if isInside || label == name { return .unknown }
                continue
            }
            if label == name {
                // The first that is not null counts: that is for the parser to find out.
                if found != nil { return .unknown }
                found = column
            }
        }
        return found.map { .column($0) } ?? .missing
    }
}
