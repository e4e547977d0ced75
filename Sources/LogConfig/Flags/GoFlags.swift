/// A command line in the syntax of Go's `flag` package: `-name=value`, `-name value`, one dash or two; a flag of kind `bool`
/// takes a value behind `=` only. Flags end at `--` or at the first word that is none.
package struct GoFlags: Sendable {
    package enum Kind: Sendable { case bool, text }

    package struct UsageError: Error, Equatable, CustomStringConvertible {
        package var description: String
    }

    /// In the order given; a later one counts.
    package private(set) var values: [(name: String, value: String)] = []
    package private(set) var rest: [String] = []

    package init(_ arguments: [String], known: [String: Kind]) throws(UsageError) {
        var at = 0
        while at < arguments.count {
            let word = arguments[at]
            if word == "--" {
                rest = Array(arguments[(at + 1)...])
                return
            }
            guard word.hasPrefix("-"), word.count > 1 else {
                rest = Array(arguments[at...])
                return
            }
            at += 1
            let body = word.drop { $0 == "-" }
            guard word.count - body.count <= 2, !body.isEmpty, body.first != "=" else {
                throw UsageError(description: "bad flag syntax: \(word)")
            }
            let name = String(body.prefix { $0 != "=" })
            guard let kind = known[name] else {
                let near = EditDistance.nearest(name, in: Array(known.keys)).map { ": did you mean -\($0)?" } ?? ""
                throw UsageError(description: "flag provided but not defined: -\(name)\(near)")
            }
            if name.count < body.count {
                values.append((name, String(body.dropFirst(name.count + 1))))
            } else if kind == .bool {
                values.append((name, "true"))
            } else if at < arguments.count {
                values.append((name, arguments[at]))
                at += 1
            } else {
                throw UsageError(description: "flag needs an argument: -\(name)")
            }
        }
    }

    /// As Go reads truth values.
    package static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}
