import Bytes
import Glibc
import LogConfig
import LogModel

/// Small YAML files beside reports: objectives and prices. Mistakes are told with file, line and column, all at once.
struct SettingsText {
    private let file: String
    private var mistakes: [ConfigurationError] = []
    /// Some thousand models with a price each.
    private static let sizeMax = 1 << 20

    private init(file: String) { self.file = file }

    /// Reads a file and lets `decode` take it apart; the tree is nil where the file is empty.
    static func load<Value>(
        _ path: String, _ decode: (YAMLNode?, inout SettingsText) -> Value
    ) throws(ReportFailure) -> Value {
        let bytes = try read(path)
        return try parse(bytes, file: path, decode)
    }

    static func parse<Value>(
        _ bytes: [UInt8], file: String, _ decode: (YAMLNode?, inout SettingsText) -> Value
    ) throws(ReportFailure) -> Value {
        let tree: YAMLNode?
        do throws(YAMLFailure) {
            tree = try bytes.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
        } catch {
            throw ReportFailure(
                ConfigurationError(
                    file: file, line: error.mark.line, column: error.mark.column, message: error.message, hint: error.hint
                ).description)
        }
        var text = SettingsText(file: file)
        let value = decode(tree, &text)
        guard text.mistakes.isEmpty else { throw ReportFailure(ConfigurationErrors(text.mistakes).description) }
        return value
    }

    static func read(_ path: String, sizeMax: Int = SettingsText.sizeMax) throws(ReportFailure) -> [UInt8] {
        guard let input = fopen(path, "r") else { throw ReportFailure("\(path): cannot be opened: \(Output.lastError)") }
        defer { fclose(input) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&piece, 1, piece.count, input)
            if count == 0 { break }
            bytes += piece[..<count]
            guard bytes.count <= sizeMax else { throw ReportFailure("\(path): has more than \(sizeMax >> 10) KiB") }
        }
        guard ferror(input) == 0 else { throw ReportFailure("\(path): cannot be read: \(Output.lastError)") }
        return bytes
    }

    mutating func mistake(_ message: String, at mark: YAMLMark, hint: String = "") {
        guard mistakes.count < 20 else { return }
        mistakes.append(ConfigurationError(file: file, line: mark.line, column: mark.column, message: message, hint: hint))
    }

    // MARK: Values

    /// The pairs of a mapping; other keys than `keys` are mistakes, unless it is nil.
    mutating func pairs(_ node: YAMLNode?, _ name: String, keys: [String]?) -> [YAMLPair] {
        guard let node, !node.isNull else { return [] }
        guard case .mapping(let pairs) = node.content else {
            mistake("`\(name)` must be a mapping, not \(node.kindName)", at: node.mark)
            return []
        }
        guard let keys else { return pairs }
        for pair in pairs where !keys.contains(pair.key) {
            mistake("unknown key `\(pair.key)` in \(name)", at: pair.keyMark, hint: "known keys: \(keys.joined(separator: ", "))")
        }
        return pairs
    }

    mutating func number(_ pair: YAMLPair, _ range: ClosedRange<Double>) -> Double? {
        guard let value = scalar(pair).flatMap({ YAMLScalar.float($0) }), range.contains(value) else {
            let words = range.upperBound < 1e15 ? "from \(range.lowerBound) to \(range.upperBound)" : "\(range.lowerBound) or more"
            mistake("`\(pair.key)` must be a number, \(words)", at: pair.value.mark)
            return nil
        }
        return value
    }

    mutating func text(_ pair: YAMLPair) -> String? {
        guard let text = scalar(pair), !text.isEmpty else {
            mistake("`\(pair.key)` must be a text", at: pair.value.mark)
            return nil
        }
        return text
    }

    /// In nanoseconds.
    mutating func duration(_ pair: YAMLPair) -> Int64? {
        guard let span = scalar(pair).flatMap({ HumanTime.duration($0) }), span > 0 else {
            mistake("`\(pair.key)` must be a span such as 500ms, 2s or 30d", at: pair.value.mark)
            return nil
        }
        return span
    }

    mutating func texts(_ pair: YAMLPair) -> [String]? {
        guard case .sequence(let items) = pair.value.content else {
            mistake("`\(pair.key)` must be a list", at: pair.value.mark)
            return nil
        }
        return items.compactMap { item in
            guard case .scalar(let text, _) = item.content else {
                mistake("`\(pair.key)` must hold single values, not \(item.kindName)", at: item.mark)
                return nil
            }
            return text
        }
    }

    private func scalar(_ pair: YAMLPair) -> String? {
        guard !pair.value.isNull, case .scalar(let text, _) = pair.value.content else { return nil }
        return text
    }
}
