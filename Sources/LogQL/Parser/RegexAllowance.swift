import Bytes
import Glibc
import LogModel

/// What the regular expressions of one query have cost, against what they may.
struct RegexAllowance {
    private var count = 0
    private var matchers = 0
    private var time: Int64 = 0
    /// Patterns that compiled, with the time it took: machine-made queries repeat themselves.
    private var good: [String: Int64] = [:]

    /// Why `pattern` is no regular expression, or nil.
    mutating func check(_ pattern: String) throws(LogQLError) -> RegexError? {
        if let known = good[pattern] {
            // Whoever runs the query compiles each of them.
            time += known
            if time > LogQL.regexTimeMax { throw RegexAllowance.exceeded }
            return nil
        }
        do {
            try admit()
            let before = time
            // Made and dropped inside: taking a large program apart costs as well.
            try timed { () throws(RegexError) in _ = try CompiledRegex(pattern) }
            good[pattern] = time - before
            return nil
        } catch {
            if case .regex(let reason) = error { return reason }
            throw RegexAllowance.exceeded
        }
    }

    mutating func compile(_ pattern: String) throws(Failure) -> CompiledRegex {
        try admit()
        return try timed { () throws(RegexError) in try CompiledRegex(pattern) }
    }

    private mutating func admit() throws(Failure) {
        count += 1
        if count > LogQL.regexesMax { throw .exceeded }
    }

    mutating func matcher(
        _ name: ByteString,
        _ op: LabelMatcher.Operator,
        _ value: ByteString
    ) throws(Failure) -> LabelMatcher {
        matchers += 1
        if matchers > LogQL.matcherRegexesMax { throw .exceeded }
        return try timed { () throws(RegexError) in try LabelMatcher(name, op, value) }
    }

    enum Failure: Error {
        case regex(RegexError)
        case exceeded
    }

    static let exceeded = LogQLError(
        parse:
            "the query has too many regular expressions, or they are too large; use fewer, or line filters on plain text"
    )

    /// Processor time of the thread, so that a busy machine refuses no query that an idle one takes.
    private mutating func timed<Value>(_ body: () throws(RegexError) -> Value) throws(Failure) -> Value {
        if time > LogQL.regexTimeMax { throw .exceeded }
        let start = RegexAllowance.now()
        defer { time += max(0, RegexAllowance.now() - start) }
        do {
            return try body()
        } catch {
            throw .regex(error)
        }
    }

    private static func now() -> Int64 {
        var clock = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &clock)
        return Int64(clock.tv_sec) * 1_000_000_000 + Int64(clock.tv_nsec)
    }
}
