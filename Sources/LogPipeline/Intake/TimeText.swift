import LogModel
import LogStages

enum TimeText {
    /// For messages: whole seconds, UTC.
    static func rfc3339(_ nanoseconds: Int64) -> String {
        GoTime.format(Timestamp(nanoseconds: nanoseconds), layout: GoTime.rfc3339)
    }
}
