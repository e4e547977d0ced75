import LogModel
import LogStages

enum TimeText {
    /// For messages: whole seconds, UTC.
    static func rfc3339(_ nanoseconds: Int64) -> String {
        GoTime.format(Timestamp(nanoseconds: nanoseconds), layout: GoTime.rfc3339)
    }

    /// As Go prints a time that nobody formats.
    static func plain(_ nanoseconds: Int64) -> String {
        GoTime.format(Timestamp(nanoseconds: nanoseconds), layout: "2006-01-02 15:04:05.999999999 -0700 MST")
    }
}
