import Bytes
import LogModel

/// One observation that a series points to: the trace of a slow request, say. Shown in OpenMetrics only.
package struct Exemplar: Sendable, Equatable {
    /// Names and values together have at most `bytesMax` bytes (OpenMetrics 1.0: 128 characters); whoever makes one sees to it.
    package var labels: Labels
    package var value: Double
    package var time: Timestamp

    package static let bytesMax = 128

    package init(labels: Labels, value: Double, time: Timestamp) {
        self.labels = labels
        self.value = value
        self.time = time
    }

    /// Whether labels are small enough to be shown. Counts bytes, which are never fewer than characters.
    package static func fits(_ labels: Labels) -> Bool {
        var count = 0
        for pair in labels.pairs { count += pair.name.count + pair.value.count }
        return count <= bytesMax
    }
}
