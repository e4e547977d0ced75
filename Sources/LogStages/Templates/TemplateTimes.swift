import Bytes
import LogModel

/// The date functions of templates.
enum TemplateTimes {
    static func call(
        _ function: TemplateFunction,
        _ arguments: [TemplateValue]
    ) throws(TemplateFailure) -> TemplateValue {
        let a = TemplateCalls.Arguments(values: arguments)
        switch function {
        case .unixEpoch, .unixEpochMillis, .unixEpochNanos:
            guard case .time(let time) = a[0] else { return .none }
            switch function {
            case .unixEpoch: return TemplateValue(String(time.unixSeconds))
            case .unixEpochMillis:
                return TemplateValue(String(time.unixSeconds &* 1_000 &+ Int64(time.nanosecond / 1_000_000)))
            default: return TemplateValue(String(time.unixSeconds &* 1_000_000_000 &+ Int64(time.nanosecond)))
            }
        case .unixToTime: return .time(try fromEpoch(a.text(0)))
        case .toDate: return .time(parse(a.text(1), a.text(0), TemplateClock.local))
        case .toDateInZone: return .time(parse(a.text(2), a.text(0), GoZone(named: a.text(1).string) ?? .utc))
        case .date: return TemplateValue(GoTime.format(moment(a[1]), layout: a.text(0).string))
        default: return .time(GoInstant(Timestamp.now(), zone: TemplateClock.local))
        }
    }

    /// What does not parse is Go's zero time.
    private static func parse(_ text: ByteString, _ layout: ByteString, _ zone: GoZone) -> GoInstant {
        text.withView { view in
            (try? GoTime.parse(view, layout: layout.string, zone: zone)) ?? .zero
        }
    }

    /// A time, seconds since 1970, or for anything else the current time; in the zone of the machine.
    private static func moment(_ value: TemplateValue) -> GoInstant {
        let zone = TemplateClock.local
        switch value {
        case .time(let time): return GoInstant(unixSeconds: time.unixSeconds, nanosecond: time.nanosecond, zone: zone)
        case .int(let seconds), .int64(let seconds): return GoInstant(unixSeconds: seconds, zone: zone)
        default: return GoInstant(Timestamp.now(), zone: zone)
        }
    }

    /// Days, seconds, milli-, micro- or nanoseconds, told apart by the number of digits.
    private static func fromEpoch(_ text: ByteString) throws(TemplateFailure) -> GoInstant {
        guard let number = text.withView({ GoInteger.parse($0) }) else {
            let quoted = text.withView { GoText.quote($0) }
            throw TemplateFailure(
                "unable to parse time '\(text)': strconv.ParseInt: parsing \(quoted): invalid syntax"
            )
        }
        let zone = TemplateClock.local
        func moment(_ perSecond: Int64) -> GoInstant {
            let (seconds, rest) = Civil.floorDivide(number, perSecond)
            return GoInstant(
                unixSeconds: seconds,
                nanosecond: Int(rest * (1_000_000_000 / perSecond)),
                zone: zone
            )
        }
        switch text.count {
        case 5: return GoInstant(unixSeconds: number * 86_400, zone: zone)
        case 10: return moment(1)
        case 13: return moment(1_000)
        case 16: return moment(1_000_000)
        case 19: return moment(1_000_000_000)
        // Loki formats an error that is not there.
        default: throw TemplateFailure("unable to parse time '\(text)': %!w(<nil>)")
        }
    }
}
