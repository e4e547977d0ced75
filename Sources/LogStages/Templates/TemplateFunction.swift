/// The functions that a template may call, with their Go signatures.
enum TemplateFunction: String, Sendable, CaseIterable {
    // Of Go.
    case and, or, not, eq, ne, lt, le, gt, ge, index, slice, len, print, printf, println, html, js, urlquery, call
    // Of Loki.
    case currentLine = "__line__"
    case currentTime = "__timestamp__"
    case goToLower = "ToLower"
    case goToUpper = "ToUpper"
    case goReplace = "Replace"
    case goTrim = "Trim"
    case goTrimLeft = "TrimLeft"
    case goTrimRight = "TrimRight"
    case goTrimPrefix = "TrimPrefix"
    case goTrimSuffix = "TrimSuffix"
    case goTrimSpace = "TrimSpace"
    case regexReplaceAll, regexReplaceAllLiteral, count, urldecode, urlencode, bytes, duration
    case durationSeconds = "duration_seconds"
    case unixEpoch, unixEpochMillis, unixEpochNanos, unixToTime, toDateInZone, toDate, date, now
    case alignLeft, alignRight
    // Of sprig.
    case lower, upper, title, trunc, substr, contains, hasPrefix, hasSuffix, indent, nindent, replace
    case repeated = "repeat"
    case trim, trimAll, trimPrefix, trimSuffix
    case toInt = "int"
    case toFloat = "float64"
    case add, sub, mul, div, mod, max, min, addf, subf, mulf, divf, maxf, minf, ceil, floor, round
    case fromJson
    case fallback = "default"
    case b64enc, b64dec
    // Of Promtail, and of sprig in the collector alone.
    case hash = "Hash"
    case sha2Hash = "Sha2Hash"
    case toInt64 = "int64"
    case sha256sum, env, quote, squote, cat, nospace, trimall, untitle, abbrev, toString, atoi, add1, ternary, coalesce, empty
    case list, splitList, split, join, first, last, rest, initial, reverse, uniq, sortAlpha, has, dict, get, hasKey
    case regexMatch, regexFind, regexQuoteMeta

    enum Parameter: Sendable {
        case text, int, float, any, time

        var name: String {
            switch self {
            case .text: "string"
            case .int: "int"
            case .float: "float64"
            case .any: "interface {}"
            case .time: "time.Time"
            }
        }
    }

    struct Signature: Sendable {
        var fixed: [Parameter]
        /// The type of any number of further arguments.
        var rest: Parameter?

        init(_ fixed: Parameter..., rest: Parameter? = nil) {
            self.fixed = fixed
            self.rest = rest
        }
    }

    var name: String { rawValue }

    /// What each dialect knows.
    static func named(_ name: String, _ dialect: Template.Dialect) -> TemplateFunction? {
        guard let function = TemplateFunction(rawValue: name) else { return nil }
        return dialect == .collector || !function.isOfCollector ? function : nil
    }

    /// Whether queries do not have it.
    var isOfCollector: Bool {
        switch self {
        case .hash, .sha2Hash, .toInt64, .sha256sum, .env, .quote, .squote, .cat, .nospace, .trimall, .untitle, .abbrev, .toString,
            .atoi, .add1, .ternary, .coalesce, .empty, .list, .splitList, .split, .join, .first, .last, .rest, .initial, .reverse,
            .uniq, .sortAlpha, .has, .dict, .get, .hasKey, .regexMatch, .regexFind, .regexQuoteMeta:
            true
        default: false
        }
    }

    var signature: Signature {
        switch self {
        case .and, .or, .eq, .index, .slice, .call: Signature(.any, rest: .any)
        case .lt, .le, .gt, .ge, .ne: Signature(.any, .any)
        case .not, .len: Signature(.any)
        case .print, .println, .html, .js, .urlquery: Signature(rest: .any)
        case .printf: Signature(.text, rest: .any)
        case .currentLine, .currentTime, .now: Signature()
        case .goToLower, .goToUpper, .goTrimSpace, .urldecode, .urlencode, .bytes, .duration, .durationSeconds,
            .unixToTime, .lower, .upper, .title, .trim, .b64enc, .b64dec, .fromJson:
            Signature(.text)
        case .goReplace: Signature(.text, .text, .text, .int)
        case .goTrim, .goTrimLeft, .goTrimRight, .goTrimPrefix, .goTrimSuffix, .count, .toDate, .contains, .hasPrefix,
            .hasSuffix, .trimAll, .trimPrefix, .trimSuffix:
            Signature(.text, .text)
        case .regexReplaceAll, .regexReplaceAllLiteral, .toDateInZone, .replace: Signature(.text, .text, .text)
        case .unixEpoch, .unixEpochMillis, .unixEpochNanos: Signature(.time)
        case .date: Signature(.text, .any)
        case .alignLeft, .alignRight, .trunc, .indent, .nindent, .repeated: Signature(.int, .text)
        case .substr: Signature(.int, .int, .text)
        case .toInt, .toFloat, .ceil, .floor: Signature(.any)
        case .add, .addf: Signature(rest: .any)
        case .sub, .div, .mod: Signature(.any, .any)
        case .mul, .max, .min, .subf, .mulf, .divf, .maxf, .minf, .fallback: Signature(.any, rest: .any)
        case .round: Signature(.any, .int, rest: .float)
        case .hash, .sha2Hash, .trimall, .splitList, .split, .regexMatch, .regexFind: Signature(.text, .text)
        case .sha256sum, .env, .nospace, .untitle, .atoi, .regexQuoteMeta: Signature(.text)
        case .quote, .squote, .cat, .coalesce, .list, .dict: Signature(rest: .any)
        case .abbrev: Signature(.int, .text)
        case .toString, .toInt64, .add1, .empty, .first, .last, .rest, .initial, .reverse, .uniq, .sortAlpha: Signature(.any)
        case .ternary: Signature(.any, .any, .any)
        case .join: Signature(.text, .any)
        case .has: Signature(.any, .any)
        case .get, .hasKey: Signature(.any, .text)
        }
    }
}
