import Bytes
import LogModel
import LogSources

/// A kubeconfig file: where the cluster of its current context is, and who asks.
enum KubeconfigFile {
    private static let sizeMax = 4 << 20

    static func load(_ path: String) throws(ConfigurationErrors) -> HTTPServerAddress {
        let tree: YAMLNode?
        do throws(ConfigurationError) {
            let bytes = try FileText.read(path, sizeMax: sizeMax)
            do throws(YAMLFailure) {
                tree = try bytes.withView { view throws(YAMLFailure) in try YAMLParser.parse(view) }
            } catch {
                throw ConfigurationError(
                    file: path, line: error.mark.line, column: error.mark.column, message: error.message, hint: error.hint)
            }
        } catch { throw ConfigurationErrors([error]) }
        let problems = Problems(file: path)
        var found: HTTPServerAddress?
        if let tree { found = address(tree, problems, directory: directory(of: path)) }
        if let found, problems.errors.isEmpty { return found }
        if problems.errors.isEmpty { problems.error("the file is empty", at: YAMLMark(line: 1, column: 1)) }
        throw ConfigurationErrors(problems.errors)
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[...slash])
    }

    private static func address(_ tree: YAMLNode, _ problems: Problems, directory: String) -> HTTPServerAddress? {
        // Other programs keep keys of their own there.
        guard let root = MapReader(tree, "kubeconfig", keys: [], problems, unknown: .warned) else { return nil }
        guard let context = named(root, "contexts", "context", root.string("current-context") ?? "", "current-context") else { return nil }
        guard let cluster = named(root, "clusters", "cluster", context.string("cluster") ?? "", "cluster") else { return nil }
        guard let server = cluster.string("server"),
            let (scheme, host, port, path) = HTTPClientBlock.server(server, ports: ["http": 80, "https": 443])
        else {
            cluster.wrong("server", "is no address", hint: "as in https://10.0.0.1:6443")
            return nil
        }
        var address = HTTPServerAddress(.tcp(host: host, port: port))
        address.basePath = path
        var tls = HTTPServerAddress.TLS()
        tls.authority = material(cluster, "certificate-authority", directory)
        tls.skipsVerification = cluster.bool("insecure-skip-tls-verify") ?? false
        tls.serverName = cluster.string("tls-server-name")
        if let name = context.string("user"), !name.isEmpty {
            guard let user = named(root, "users", "user", name, "user") else { return nil }
            tls.certificate = material(user, "client-certificate", directory)
            tls.key = material(user, "client-key", directory)
            authorize(user, &address, directory)
        }
        if scheme == "https" { address.tls = tls }
        return address
    }

    /// The entry `name` of a list of named things.
    private static func named(_ root: MapReader, _ list: String, _ key: String, _ name: String, _ asked: String) -> MapReader? {
        for node in root.list(list) ?? [] {
            guard let entry = MapReader(node, list, keys: [], root.problems, unknown: .warned), entry.string("name") == name else { continue }
            if let inner = entry.node(key) { return MapReader(inner, "\(key) \(name)", keys: [], root.problems, unknown: .warned) }
        }
        root.problems.error("no \(key) `\(name)` in `\(list)`, which `\(asked)` names", at: root.mark)
        return nil
    }

    private static func material(_ map: MapReader, _ key: String, _ directory: String) -> HTTPServerAddress.Material? {
        if let text = map.string(key + "-data") {
            guard let bytes = Base64Text.decode(text) else {
                map.wrong(key + "-data", "is not base64")
                return nil
            }
            return .text(Secret(String(decoding: bytes, as: UTF8.self)))
        }
        return map.string(key).map { .file($0.hasPrefix("/") ? $0 : directory + $0) }
    }

    private static func authorize(_ user: MapReader, _ address: inout HTTPServerAddress, _ directory: String) {
        for key in ["exec", "auth-provider"] where user.node(key) != nil {
            user.problems.error(
                "`\(key)` of \(user.name) is not available", at: user.keyMark(of: key),
                hint: "give it a token of a service account (`token` or `tokenFile`) or a client certificate")
        }
        if let path = user.string("tokenFile"), !path.isEmpty {
            address.authorization = .bearerFile(path.hasPrefix("/") ? path : directory + path)
        } else if let token = user.string("token"), !token.isEmpty {
            guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return user.wrong("token", "holds characters that no token has") }
            address.authorization = .header(Secret("Bearer \(token)"))
        } else if let name = user.string("username") {
            address.authorization = .header(Secret("Basic " + Base64Text.encode(Array("\(name):\(user.string("password") ?? "")".utf8))))
        }
    }
}
