extension CompiledRegex {
    /// The longest run of bytes that every match contains, at least three; nil where none is plain to see.
    ///
    /// Reads the pattern from left to right and keeps what stands outside of groups, classes and repetitions; an
    /// alternative on the top level, or flags, and nothing is required. O(pattern).
    package static func requiredLiteral(of pattern: String, isCaseSensitive: Bool) -> ByteString? {
        guard isCaseSensitive, !pattern.contains("(?"), !pattern.contains("\\Q") else { return nil }
        var best = ""
        var run = ""
        var scalars = Array(pattern.unicodeScalars)[...]
        func end() {
            if run.utf8.count > best.utf8.count { best = run }
            run = ""
        }
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "|": return nil
            case "(":
                end()
                guard skipGroup(&scalars) else { return nil }
            case "[":
                end()
                guard skipClass(&scalars) else { return nil }
            case ".", "^", "$": end()
            case "+": end()
            case "{" where !skipRepetition(&scalars): return nil
            case "*", "?", "{":
                // What it repeats may be missing.
                if !run.isEmpty { run.unicodeScalars.removeLast() }
                end()
            case "\\":
                guard let next = scalars.popFirst() else { return nil }
                if next.isASCII, next.properties.isAlphabetic || ("0"..."9").contains(next) {
                    end()
                    // `\x41`, `\pL`: what belongs to them would be taken for text.
                    if !"dDwWsSbBAz".unicodeScalars.contains(next) { return nil }
                } else {
                    run.unicodeScalars.append(next)
                }
            default: run.unicodeScalars.append(scalar)
            }
        }
        end()
        return best.utf8.count >= 3 ? ByteString(best) : nil
    }

    package var requiredLiteral: ByteString? {
        Self.requiredLiteral(of: pattern, isCaseSensitive: isCaseSensitive)
    }

    private static func skipGroup(_ scalars: inout ArraySlice<Unicode.Scalar>) -> Bool {
        var depth = 1
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "(": depth += 1
            case ")":
                depth -= 1
                if depth == 0 { return true }
            case "[": if !skipClass(&scalars) { return false }
            case "\\": _ = scalars.popFirst()
            default: break
            }
        }
        return false
    }

    /// Skips what follows the brace of `{n}`, `{n,}`, `{n,m}`; false where it is none.
    private static func skipRepetition(_ scalars: inout ArraySlice<Unicode.Scalar>) -> Bool {
        guard let end = scalars.firstIndex(of: "}") else { return false }
        let inside = scalars[scalars.startIndex..<end]
        guard let first = inside.first, ("0"..."9").contains(first),
            inside.allSatisfy({ ("0"..."9").contains($0) || $0 == "," }), inside.filter({ $0 == "," }).count <= 1
        else { return false }
        scalars = scalars[(end + 1)...]
        return true
    }

    private static func skipClass(_ scalars: inout ArraySlice<Unicode.Scalar>) -> Bool {
        var isFirst = true
        if scalars.first == "^" { scalars.removeFirst() }
        while let scalar = scalars.popFirst() {
            if scalar == "]", !isFirst { return true }
            isFirst = false
            if scalar == "\\" {
                _ = scalars.popFirst()
            } else if scalar == "[", scalars.first == ":" {
                // `[:alpha:]` or a plain bracket: not worth telling apart.
                return false
            }
        }
        return false
    }
}
