import Bytes

/// The part of JMESPath that log pipelines use: `a`, `a.b`, `a[0].b`, `"any key"."x.y"`, `list[-1]`.
package struct JMESPath: Sendable, Equatable {
    package enum Step: Sendable, Equatable {
        case key(ByteString)
        /// Negative: from the end.
        case index(Int)
    }

    /// Why an expression was refused.
    package struct Failure: Error, Equatable, Sendable {
        package var message: String
        package var hint: String
    }

    package let steps: [Step]

    package init(_ text: String) throws(Failure) {
        let bytes = [UInt8](text.utf8)
        var steps: [Step] = []
        var i = 0
        func failure(_ message: String, _ hint: String = "") -> Failure { Failure(message: message, hint: hint) }
        func skipSpace() { while i < bytes.count, bytes[i].isJSONSpace { i += 1 } }

        skipSpace()
        var wantsKey = true
        while i < bytes.count {
            let c = bytes[i]
            if wantsKey, c == UInt8(ascii: "\"") {
                let start = i + 1
                i = start
                while i < bytes.count, bytes[i] != UInt8(ascii: "\"") { i += bytes[i] == UInt8(ascii: "\\") ? 2 : 1 }
                guard i < bytes.count else { throw failure("unclosed quote in `\(text)`", "end the key with \"") }
                let out = ByteArena(capacity: 64)
                let good = Array(bytes[start..<i]).withView { JSONText.unescape($0, into: out) }
                guard good else { throw failure("bad escape in `\(text)`", "keys are quoted as JSON strings are") }
                steps.append(.key(ByteString(out.view)))
                i += 1
                wantsKey = false
            } else if wantsKey, c.isLetter || c == UInt8(ascii: "_") {
                let start = i
                while i < bytes.count, bytes[i].isAlphanumeric || bytes[i] == UInt8(ascii: "_") { i += 1 }
                steps.append(.key(ByteString(Array(bytes[start..<i]))))
                wantsKey = false
            } else if !wantsKey, c == UInt8(ascii: ".") {
                i += 1
                wantsKey = true
                skipSpace()
                continue
            } else if c == UInt8(ascii: "["), !wantsKey || steps.isEmpty {
                let start = i + 1
                i = start
                while i < bytes.count, bytes[i] != UInt8(ascii: "]") { i += 1 }
                let inside = String(decoding: bytes[start..<min(i, bytes.count)], as: UTF8.self)
                guard i < bytes.count, let index = Int(inside) else {
                    throw failure(
                        "`[\(inside)]` in `\(text)` is no index", "slices, filters and projections are not supported")
                }
                steps.append(.index(index))
                i += 1
                wantsKey = false
            } else {
                let sign = String(decoding: bytes[i...], as: UTF8.self).first.map(String.init) ?? ""
                throw failure(
                    "unexpected `\(sign)` in expression `\(text)`",
                    sign == "-" || sign == "@" || c.isDigit
                        ? "quote keys that are no identifiers: '\"\(text)\"'"
                        : "supported are keys, \"quoted keys\", dots and [indexes]")
            }
            skipSpace()
        }
        guard !steps.isEmpty, !wantsKey else { throw failure("expression `\(text)` has no key at its end") }
        self.steps = steps
    }

    /// The one key that the path consists of, if that is all.
    package var plainKey: ByteString? {
        guard steps.count == 1, case .key(let key) = steps[0] else { return nil }
        return key
    }
}
