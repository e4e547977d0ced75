import Bytes
import LogModel

extension LogQL {
    /// A string literal that reads back as these bytes: Go's quoting, bytes that are not UTF-8 as `\xNN`.
    package static func quote(_ bytes: ByteString) -> String {
        if bytes.withView(\.isUTF8) { return GoQuote.quote(bytes.string) }
        var out = "\""
        bytes.withView { view in
            var at = 0
            while at < view.count {
                let width = max(1, min(Lexer.width(view[at]), view.count - at))
                let part = view[at..<at + width]
                if part.isUTF8 {
                    out += GoQuote.quote(part.string).dropFirst().dropLast()
                    at += width
                } else {
                    let digits = String(view[at], radix: 16)
                    out += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
                    at += 1
                }
            }
        }
        return out + "\""
    }

    static func print(_ matcher: LabelMatcher) -> String {
        "\(name(matcher.name))\(matcher.op.rawValue)\(quote(matcher.value))"
    }

    /// A name with an operator behind it. Any character may be a name, `!` too, which must not run into the operator.
    static func name(_ name: ByteString) -> String { name == "!" ? "! " : name.string }

    static func list(_ labels: [ByteString]) -> String { labels.map(\.string).joined(separator: ",") }
}
