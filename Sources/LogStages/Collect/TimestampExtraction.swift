import Bytes
import LogModel

/// The reading half of Promtail's `timestamp` stage: the time in an extracted value, by the first format that fits.
package struct TimestampExtraction: Sendable {
    private let slot: Int
    private let formats: [TimeFormat]
    private let zone: GoZone

    package init(slot: Int, formats: [TimeFormat], zone: GoZone) {
        self.slot = slot
        self.formats = formats
        self.zone = zone
    }

    /// Nanoseconds since 1970, or nil: no value, or no format fits.
    package func run(_ state: borrowing EntryState, now: Int64) -> Int64? {
        guard let text = state.text(slot) else { return nil }
        for format in formats {
            if let time = format.nanoseconds(text, zone: zone, now: Timestamp(nanoseconds: now)) { return time }
        }
        return nil
    }
}
