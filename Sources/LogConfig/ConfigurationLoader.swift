import Bytes
import Glibc

/// From a file to checked settings: everything wrong in it is told at once, each with its place.
package enum ConfigurationLoader {
    /// Reads and checks the file at `path`, with `${VAR}` replaced from the environment where `expandEnv` says so.
    /// `ignoreUnsupported`: sources that this version cannot read are skipped with a warning instead of refused.
    package static func load(
        path: String, expandEnv: Bool = false, ignoreUnsupported: Bool = false
    ) throws(ConfigurationErrors) -> Configuration {
        let bytes: [UInt8]
        do throws(ConfigurationError) { bytes = try FileText.read(path, sizeMax: YAMLParser.sizeMax) } catch {
            throw ConfigurationErrors([error])
        }
        guard expandEnv else { return try parse(bytes, file: path, ignoreUnsupported: ignoreUnsupported) }
        return try parse(
            bytes, file: path, variables: { name in getenv(name).map { String(cString: $0) } },
            ignoreUnsupported: ignoreUnsupported)
    }

    /// Checks a text. `variables`: what `${VAR}` is replaced with; nil: it is not.
    package static func parse(
        text: String,
        file: String,
        variables: ((String) -> String?)? = nil,
        ignoreUnsupported: Bool = false
    ) throws(ConfigurationErrors) -> Configuration {
        try parse(Array(text.utf8), file: file, variables: variables, ignoreUnsupported: ignoreUnsupported)
    }

    package static func parse(
        _ bytes: [UInt8],
        file: String,
        variables: ((String) -> String?)? = nil,
        ignoreUnsupported: Bool = false
    ) throws(ConfigurationErrors) -> Configuration {
        var bytes = bytes
        if let variables {
            do throws(EnvironmentExpansion.Failure) {
                bytes = try EnvironmentExpansion.expand(bytes, lookup: variables)
            } catch {
                throw ConfigurationErrors([
                    ConfigurationError(
                        file: file,
                        line: error.mark.line,
                        column: error.mark.column,
                        message: error.message,
                        hint: "write `$$` for a dollar sign that begins no variable"
                    )
                ])
            }
        }
        let tree: YAMLNode?
        do throws(YAMLFailure) {
            tree = try bytes.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
        } catch {
            var hint = error.hint
            if hint.isEmpty, variables == nil, bytes.withView({ $0.contains(ByteView("${")) }) {
                hint = "the file holds `${`: variables are replaced with --config-expand-env only"
            }
            throw ConfigurationErrors([
                ConfigurationError(
                    file: file,
                    line: error.mark.line,
                    column: error.mark.column,
                    message: error.message,
                    hint: hint
                )
            ])
        }
        let problems = Problems(file: file, ignoresUnsupported: ignoreUnsupported)
        var configuration = Configuration(file: file)
        if let tree { RootBlock.decode(tree, into: &configuration, problems) }
        guard problems.errors.isEmpty else {
            throw ConfigurationErrors(
                problems.errors.enumerated().sorted { a, b in
                    (a.element.line, a.element.column, a.offset) < (b.element.line, b.element.column, b.offset)
                }.map(\.element)
            )
        }
        configuration.warnings = problems.warnings
        return configuration
    }
}

/// Small files that a configuration names: itself, and files that hold secrets.
enum FileText {
    static func read(_ path: String, sizeMax: Int) throws(ConfigurationError) -> [UInt8] {
        let handle = open(path, O_RDONLY | O_CLOEXEC)
        guard handle >= 0 else {
            let code = errno
            throw ConfigurationError(
                file: path,
                message: "cannot be opened: \(reason(code))",
                hint: code == ENOENT ? "check the path" : ""
            )
        }
        defer { _ = close(handle) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = block.withUnsafeMutableBytes { Glibc.read(handle, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw ConfigurationError(file: path, message: "cannot be read: \(reason(errno))")
            }
            if count == 0 { return bytes }
            bytes += block[..<count]
            if bytes.count > sizeMax {
                throw ConfigurationError(file: path, message: "has more than \(sizeMax >> 10) KiB")
            }
        }
    }

    private static func reason(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
