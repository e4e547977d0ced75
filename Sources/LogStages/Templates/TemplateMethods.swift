import Bytes

/// Methods of Go's times and durations that templates may call: `.UTC.Format "2006"`.
enum TemplateMethods {
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let ofTime: Set<String> = [
        "Unix", "UnixMilli", "UnixMicro", "UnixNano", "UTC", "Local", "Year", "Month", "Day", "Hour", "Minute",
        "Second",
        "Nanosecond", "Weekday", "YearDay", "IsZero", "String", "Format", "Sub", "Before", "After", "Equal", "Add",
        "AddDate",
    ]
    private static let ofDuration: Set<String> = [
        "Seconds", "Minutes", "Hours", "Milliseconds", "Microseconds", "Nanoseconds", "String",
    ]

    static func has(_ value: TemplateValue, _ name: String) -> Bool {
        switch value {
        case .time: ofTime.contains(name)
        case .duration: ofDuration.contains(name)
        case .named: name == "String"
        default: false
        }
    }

    static func call(
        _ value: TemplateValue,
        _ name: String,
        _ arguments: [TemplateValue]
    ) throws(TemplateFailure) -> TemplateValue {
        func need(_ count: Int) throws(TemplateFailure) {
            guard arguments.count == count else {
                throw TemplateFailure("wrong number of args for \(name): want \(count) got \(arguments.count)")
            }
        }
        switch value {
        case .time(let time): return try ofTime(time, name, arguments, need)
        case .duration(let duration):
            try need(0)
            switch name {
            case "Seconds": return .float(GoDuration.seconds(duration))
            case "Minutes": return .float(Double(duration) / 60e9)
            case "Hours": return .float(Double(duration) / 3600e9)
            case "Milliseconds": return .int64(duration / 1_000_000)
            case "Microseconds": return .int64(duration / 1_000)
            case "Nanoseconds": return .int64(duration)
            default: return TemplateValue(GoDuration.text(duration))
            }
        case .named(_, let text, _): return TemplateValue(text)
        default: throw TemplateFailure("can't evaluate field \(name) in type \(value.typeName)")
        }
    }

    private static func ofTime(
        _ time: GoInstant,
        _ name: String,
        _ arguments: [TemplateValue],
        _ need: (Int) throws(TemplateFailure) -> Void
    ) throws(TemplateFailure) -> TemplateValue {
        func other() throws(TemplateFailure) -> GoInstant {
            try need(1)
            guard case .time(let other) = arguments[0] else {
                throw TemplateFailure(
                    "wrong type for value; expected time.Time; got \(arguments[0].typeName)"
                )
            }
            return other
        }
        switch name {
        case "Format":
            try need(1)
            guard case .text(let layout) = arguments[0] else {
                throw TemplateFailure("wrong type for value; expected string; got \(arguments[0].typeName)")
            }
            return TemplateValue(GoTime.format(time, layout: layout.string))
        case "Sub":
            let other = try other()
            let seconds = time.unixSeconds &- other.unixSeconds
            let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, carry) = scaled.addingReportingOverflow(Int64(time.nanosecond - other.nanosecond))
            return .duration(overflow || carry ? (seconds < 0 ? .min : .max) : sum)
        case "Before":
            let other = try other()
            return .bool((time.unixSeconds, time.nanosecond) < (other.unixSeconds, other.nanosecond))
        case "After":
            let other = try other()
            return .bool((time.unixSeconds, time.nanosecond) > (other.unixSeconds, other.nanosecond))
        case "Equal": return .bool(time == (try other()))
        case "Add":
            try need(1)
            guard let span = arguments[0].integer else {
                throw TemplateFailure("wrong type for value; expected time.Duration; got \(arguments[0].typeName)")
            }
            return .time(moved(time, by: span))
        case "AddDate":
            try need(3)
            guard let years = arguments[0].integer, let months = arguments[1].integer, let days = arguments[2].integer,
                years.magnitude < 1_000_000, months.magnitude < 1_000_000, days.magnitude < 1_000_000
            else { throw TemplateFailure("AddDate wants three integers") }
            return .time(moved(time, years: Int(years), months: Int(months), days: Int(days)))
        default: break
        }
        try need(0)
        switch name {
        case "Unix": return .int64(time.unixSeconds)
        case "UnixMilli": return .int64(time.unixSeconds &* 1_000 &+ Int64(time.nanosecond / 1_000_000))
        case "UnixMicro": return .int64(time.unixSeconds &* 1_000_000 &+ Int64(time.nanosecond / 1_000))
        case "UnixNano": return .int64(time.unixSeconds &* 1_000_000_000 &+ Int64(time.nanosecond))
        case "UTC":
            return .time(GoInstant(unixSeconds: time.unixSeconds, nanosecond: time.nanosecond, zone: .utc))
        case "Local":
            return .time(
                GoInstant(unixSeconds: time.unixSeconds, nanosecond: time.nanosecond, zone: TemplateClock.local)
            )
        case "Year": return .int(Int64(time.fields.year))
        case "Month":
            let month = time.fields.month
            return .named(Int64(month), months[min(max(month, 1), 12) - 1], type: "time.Month")
        case "Day": return .int(Int64(time.fields.day))
        case "Hour": return .int(Int64(time.fields.hour))
        case "Minute": return .int(Int64(time.fields.minute))
        case "Second": return .int(Int64(time.fields.second))
        case "Nanosecond": return .int(Int64(time.nanosecond))
        case "Weekday":
            let weekday = time.fields.weekday
            return .named(Int64(weekday), weekdays[min(max(weekday, 0), 6)], type: "time.Weekday")
        case "YearDay": return .int(Int64(time.fields.yearDay))
        case "IsZero": return .bool(time.isZero)
        default: return .text(TemplatePrinter.text(.time(time)))
        }
    }

    private static func moved(_ time: GoInstant, by nanoseconds: Int64) -> GoInstant {
        let (seconds, rest) = Civil.floorDivide(nanoseconds, 1_000_000_000)
        var sum = Int64(time.nanosecond) + rest
        var carry: Int64 = 0
        if sum >= 1_000_000_000 {
            sum -= 1_000_000_000
            carry = 1
        }
        return GoInstant(
            unixSeconds: time.unixSeconds &+ seconds &+ carry,
            nanosecond: Int(sum),
            zone: time.zone
        )
    }

    private static func moved(_ time: GoInstant, years: Int, months: Int, days: Int) -> GoInstant {
        let fields = time.fields
        let month = fields.month - 1 + months
        let year = fields.year + years + (month >= 0 ? month / 12 : -((11 - month) / 12))
        let wrapped = ((month % 12) + 12) % 12 + 1
        let day = Civil.days(year: year, month: wrapped, day: 1) &+ Int64(fields.day - 1 + days)
        let clock =
            day &* Civil.secondsPerDay
            &+ Int64(fields.hour * 3600 + fields.minute * 60 + fields.second)
        return GoInstant(
            unixSeconds: time.zone.unixSeconds(clock: clock),
            nanosecond: time.nanosecond,
            zone: time.zone
        )
    }
}

/// The zone of the machine, read once.
enum TemplateClock {
    static let local = GoZone(named: "Local") ?? .utc
}
