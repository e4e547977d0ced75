import Bytes
import LogModel
import LogSources

/// Files that `file_sd_configs` name: lists of `targets` and `labels`, as YAML or JSON (which is YAML too).
package enum TargetFile {
    /// Why a pattern is refused; nil: it is good.
    static func problem(ofPattern pattern: String) -> String? {
        guard let name = pattern.split(separator: "/", omittingEmptySubsequences: false).last else { return "it is empty" }
        guard [".json", ".yml", ".yaml"].contains(where: { name.hasSuffix($0) }) else {
            return "its name must end in .json, .yml or .yaml"
        }
        guard name.count(where: { $0 == "*" }) <= 1 else { return "there may be one `*` at most" }
        if pattern.dropLast(name.count).contains("*") { return "a `*` may stand in the last component only" }
        if pattern.contains(where: { "?[]{}\\".contains($0) }) { return "`*` is the only wildcard" }
        return nil
    }

    /// The groups of a file. Everything wrong in it is told at once, with its place.
    package static func groups(_ bytes: [UInt8], path: String) throws(ConfigurationErrors) -> [TargetGroup] {
        let tree: YAMLNode?
        do throws(YAMLFailure) {
            tree = try bytes.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
        } catch {
            throw ConfigurationErrors([
                ConfigurationError(
                    file: path, line: error.mark.line, column: error.mark.column, message: error.message, hint: error.hint)
            ])
        }
        guard let tree, !tree.isNull else { return [] }
        let problems = Problems(file: path)
        var groups: [TargetGroup] = []
        if case .sequence(let items) = tree.content {
            for (index, item) in items.enumerated() {
                let keys = ["targets", "labels", "source"]
                guard let map = MapReader(item, "[\(index)]", keys: keys, problems) else { continue }
                groups.append(TargetGroup(targets: map.strings("targets") ?? [], labels: map.labels("labels") ?? Labels()))
            }
        } else {
            problems.error(
                "the file must be a list of targets, not \(tree.kindName)", at: tree.mark,
                hint: "as in `- targets: [localhost]` and below it `labels: {__path__: /var/log/app.log}`")
        }
        guard problems.errors.isEmpty else { throw ConfigurationErrors(problems.errors) }
        return groups
    }
}
