import CKernels
import Synchronization

/// Why a pattern was refused, in the words of Go's `regexp/syntax`, which users of LogQL know.
package struct RegexError: Error, Equatable, CustomStringConvertible {
    package var kind: String
    package var argument: String

    /// "error parsing regexp: missing closing ): `(`"
    package var description: String {
        argument.isEmpty ? "error parsing regexp: \(kind)" : "error parsing regexp: \(kind): `\(argument)`"
    }
}

/// A regular expression in RE2's syntax, the one LogQL promises. Linear time in the text; safe to share.
package final class CompiledRegex: @unchecked Sendable {
    // Sendable: RE2 objects are immutable to callers and lock their DFA cache themselves.
    private let handle: OpaquePointer
    package let pattern: String
    /// Number of capture groups, the whole match not counted.
    package let groupCount: Int
    /// Name of each group, index 0 is group 1; nil where it has none.
    package let groupNames: [String?]

    /// Program and DFA cache of one expression, bytes: RE2's default. Larger programs are refused.
    package static let memoryLimit = 8 << 20

    /// Capture groups of one expression. Finding them takes memory by program size times groups, outside RE2's limit.
    package static let groupsMax = 1_000

    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        /// `.` matches newline.
        package static let dotMatchesNewline = Options(rawValue: 1)
        package static let caseInsensitive = Options(rawValue: 2)
        /// Bytes, not UTF-8: `.` matches any byte.
        package static let latin1 = Options(rawValue: 4)
        package static let literal = Options(rawValue: 8)
    }

    package init(_ pattern: String, options: Options = []) throws(RegexError) {
        var kind = [CChar](repeating: 0, count: 96)
        var argument = [CChar](repeating: 0, count: 256)
        let made = pattern.withView { text in
            tr_regex_new(
                text.base.assumingMemoryBound(to: CChar.self), text.count, options.rawValue, Int64(Self.memoryLimit),
                &kind, kind.count, &argument, argument.count)
        }
        guard let made else {
            throw RegexError(kind: Self.text(kind), argument: Self.text(argument))
        }
        let groups = tr_regex_group_count(made)
        guard groups <= Self.groupsMax else {
            tr_regex_free(made)
            throw RegexError(kind: "expression has too many groups", argument: "\(groups), at most \(Self.groupsMax)")
        }
        handle = made
        self.pattern = pattern
        groupCount = max(0, Int(tr_regex_group_count(made)))
        groupNames = (1..<max(1, groupCount + 1)).map { group in
            tr_regex_group_name(made, Int32(group)).map { String(cString: $0) }
        }
    }

    private static func text(_ chars: [CChar]) -> String {
        String(decoding: chars.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { tr_regex_free(handle) }

    /// Whether it matches anywhere in `text`.
    package func matches(_ text: ByteView) -> Bool { tr_regex_match(handle, text.base, text.count, 0, 0) != 0 }

    /// Whether it matches all of `text`.
    package func matchesFully(_ text: ByteView) -> Bool { tr_regex_match(handle, text.base, text.count, 0, 2) != 0 }

    /// The first match at or after `start`: range of the whole, then of each group (nil where it took no part).
    /// `groups` is reused by the caller; it is resized to `groupCount + 1`.
    package func firstMatch(in text: ByteView, from start: Int = 0, groups: inout [Range<Int>?]) -> Bool {
        guard start <= text.count else { return false }
        let wanted = groupCount + 1
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: wanted * 2) { spans in
            guard let first = spans.baseAddress,
                tr_regex_captures(handle, text.base, text.count, start, 0, first, wanted) != 0
            else { return false }
            groups.removeAll(keepingCapacity: true)
            for group in 0..<wanted {
                let low = Int(spans[2 * group])
                groups.append(low < 0 ? nil : low..<Int(spans[2 * group + 1]))
            }
            return true
        }
    }

    /// Quotes `text` so that it matches itself, as Go's `QuoteMeta`.
    package static func quote(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if "\\.+*?()|[]{}^$".unicodeScalars.contains(scalar) { out.append("\\") }
            out.unicodeScalars.append(scalar)
        }
        return out
    }
}
