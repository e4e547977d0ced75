import Bytes
import LogModel
import LogShipping

/// `clients:` and the single `client:` of old files.
enum ClientsBlock {
    private static let keys = [
        "name", "url", "batchwait", "batchsize", "headers", "backoff_config", "external_labels", "timeout", "tenant_id",
        "drop_rate_limited_batches", "basic_auth", "authorization", "bearer_token", "bearer_token_file", "oauth2",
        "tls_config", "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "follow_redirects",
        "enable_http2", "http_headers", "queue", "dead_letter", "parallel", "required",
    ]
    /// Bytes of a file that holds a password or token.
    private static let secretFileMax = 64 << 10

    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        let problems = root.problems
        var places: [String: YAMLMark] = [:]
        var nodes: [(node: YAMLNode, name: String)] = []
        if let items = root.list("clients") {
            nodes = items.enumerated().map { ($0.element, "clients[\($0.offset)]") }
        }
        if let node = root.node("client") {
            problems.warning(
                "`client:` is deprecated",
                at: root.keyMark(of: "client"),
                hint: "write `clients:` with a list"
            )
            nodes.append((node, "client"))
        }
        for (node, name) in nodes {
            guard let map = MapReader(node, name, keys: keys, problems), let client = client(map) else { continue }
            if !client.name.isEmpty {
                if let earlier = places[client.name] {
                    problems.error(
                        "duplicate client name `\(client.name)`",
                        at: map.mark(of: "name"),
                        hint: "it stands in line \(earlier.line) already"
                    )
                }
                places[client.name] = map.mark(of: "name")
            }
            configuration.clients.append(client)
        }
    }

    private static func client(_ map: MapReader) -> ClientSettings? {
        guard let text = map.string("url"), !text.isEmpty else {
            map.missing("url", hint: "give the full push URL, as in http://localhost:3100/loki/api/v1/push")
            return nil
        }
        guard let (url, userinfo) = split(text) else {
            map.wrong("url", "is no URL of a server", hint: "write it as in http://localhost:3100/loki/api/v1/push")
            return nil
        }
        var client = ClientSettings(url: url)
        client.name = map.string("name") ?? ""
        client.tenantID = map.string("tenant_id") ?? ""
        if !client.tenantID.isEmpty, Tenant(client.tenantID) == nil {
            map.wrong("tenant_id", "is no tenant: `\(client.tenantID)`", hint: "1 to 150 letters, digits and !-_.*'()")
        }
        if let wait = map.goDuration("batchwait") { client.batchWait = wait }
        if let size = map.size("batchsize") { client.batchSize = size }
        if let timeout = map.goDuration("timeout"), timeout > 0 { client.timeout = timeout }
        if let labels = map.labels("external_labels") { client.externalLabels = labels }
        client.dropRateLimitedBatches = map.bool("drop_rate_limited_batches") ?? false
        if let node = map.node("backoff_config"),
            let backoff = MapReader(
                node,
                "\(map.name).backoff_config",
                keys: ["min_period", "max_period", "max_retries"],
                map.problems
            )
        {
            if let least = backoff.goDuration("min_period") { client.backoffMin = least }
            if let most = backoff.goDuration("max_period") { client.backoffMax = most }
            if let count = backoff.integer("max_retries") { client.maxRetries = count }
            if client.backoffMin > client.backoffMax {
                backoff.problems.error("`min_period` is longer than `max_period`", at: backoff.mark)
            }
        }
        if let count = map.integer("parallel", 1...64) { client.parallel = count }
        client.headers = headers(map)
        client.authorization = authorization(map, userinfo)
        client.followsRedirects = map.bool("follow_redirects") ?? true
        // Requests are HTTP/1.1, as Promtail's are.
        _ = map.bool("enable_http2")
        if let tls = map.node("tls_config") { client.tls = TransportBlock.tls(tls, "\(map.name).tls_config", map.problems) }
        client.proxy = TransportBlock.proxy(map)
        DeliveryBlock.decode(map, into: &client)
        return client
    }

    private static func headers(_ map: MapReader) -> [ClientSettings.Header] {
        var headers: [ClientSettings.Header] = []
        for (name, value, mark) in map.mapping("headers") ?? [] { add(name, value ?? "", mark, map, &headers) }
        if let node = map.node("http_headers") {
            guard case .mapping(let pairs) = node.content else {
                map.wrong("http_headers", "must be a mapping, not \(node.kindName)")
                return headers
            }
            for pair in pairs {
                let keys = ["values", "secrets", "files"]
                guard
                    let entry = MapReader(pair.value, "\(map.name).http_headers.\(pair.key)", keys: keys, map.problems)
                else { continue }
                for value in (entry.strings("values") ?? []) + (entry.strings("secrets") ?? []) {
                    add(pair.key, value, pair.keyMark, map, &headers)
                }
                for path in entry.strings("files") ?? [] {
                    guard let first = file(path, entry.mark(of: "files"), map.problems) else { continue }
                    let before = headers.count
                    add(pair.key, first.exposed, pair.keyMark, map, &headers)
                    if headers.count > before { headers[before].value = .file(path) }
                }
            }
        }
        return headers
    }

    private static func add(
        _ name: String,
        _ value: String,
        _ mark: YAMLMark,
        _ map: MapReader,
        _ headers: inout [ClientSettings.Header]
    ) {
        let isToken =
            !name.isEmpty
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Array("()<>@,;:\\\"/[]?={}".utf8).contains($0) }
        guard isToken, !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
            map.problems.error("`\(name)` is no header, or its value holds a line break", at: mark)
            return
        }
        if ["content-type", "user-agent", "x-scope-orgid", "content-length", "content-encoding"].contains(
            name.lowercased()
        ) {
            map.problems.warning(
                "header `\(name)` is set already and cannot be given",
                at: mark,
                hint: name.lowercased() == "x-scope-orgid" ? "use `tenant_id`" : ""
            )
            return
        }
        headers.append(ClientSettings.Header(name, SecretSource(value)))
    }

    // MARK: Authorization

    private static func authorization(_ map: MapReader, _ userinfo: (user: String, password: String)?)
        -> ClientSettings.Authorization
    {
        let given =
            ["basic_auth", "authorization", "oauth2"].filter { map.node($0) != nil }
            + (map.node("bearer_token") != nil || map.node("bearer_token_file") != nil ? ["bearer_token"] : [])
        if given.count > 1 {
            map.problems.error(
                "\(given.map { "`\($0)`" }.joined(separator: " and ")) in \(map.name) exclude each other",
                at: map.keyMark(of: given[1]),
                hint: "keep one of them"
            )
        }
        if let node = map.node("basic_auth") {
            let keys = ["username", "username_file", "password", "password_file"]
            guard let entry = MapReader(node, "\(map.name).basic_auth", keys: keys, map.problems) else { return .none }
            return .basic(
                username: secret(entry, "username") ?? SecretSource(""),
                password: secret(entry, "password") ?? SecretSource("")
            )
        }
        if let node = map.node("authorization") {
            guard
                let entry = MapReader(
                    node,
                    "\(map.name).authorization",
                    keys: ["type", "credentials", "credentials_file"],
                    map.problems
                )
            else { return .none }
            let type = entry.string("type") ?? "Bearer"
            if type.lowercased() == "basic" { entry.wrong("type", "is `\(type)`", hint: "use `basic_auth`") }
            guard let credentials = secret(entry, "credentials") else { return .none }
            return .header(type: type, credentials: credentials)
        }
        if let node = map.node("oauth2") {
            return TransportBlock.oauth2(node, "\(map.name).oauth2", map.problems).map { .oauth2($0) } ?? .none
        }
        if let token = secret(map, "bearer_token") { return .header(type: "Bearer", credentials: token) }
        if let userinfo { return .basic(username: SecretSource(userinfo.user), password: SecretSource(userinfo.password)) }
        return .none
    }

    /// The value of `key`, or the file that `key_file` names: looked at now, so that a typing error shows at once, and read
    /// again whenever it is needed.
    static func secret(_ map: MapReader, _ key: String) -> SecretSource? {
        let other = key + "_file"
        if map.node(key) != nil, map.node(other) != nil {
            map.problems.error(
                "`\(key)` and `\(other)` in \(map.name) exclude each other",
                at: map.keyMark(of: other),
                hint: "keep one of them"
            )
        }
        if let path = map.string(other) {
            return file(path, map.mark(of: other), map.problems).map { _ in .file(path) }
        }
        return map.secret(key).map { .value($0) }
    }

    private static func file(_ path: String, _ mark: YAMLMark, _ problems: Problems) -> Secret? {
        do throws(ConfigurationError) {
            let bytes = try FileText.read(path, sizeMax: secretFileMax)
            return Secret(bytes.withView { $0.trimmed.string })
        } catch {
            problems.error("`\(path)` \(error.message)", at: mark, hint: error.hint)
            return nil
        }
    }

    // MARK: URLs

    /// The URL without its user part, and that part decoded. nil when it is no `http` URL with a host and, where it names one, a port.
    static func split(_ text: String) -> (url: String, userinfo: (user: String, password: String)?)? {
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var host = authority
        var userinfo: (user: String, password: String)?
        if let at = authority.lastIndex(of: "@") {
            host = authority[authority.index(after: at)...]
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            userinfo = (PercentEncoding.decode(parts.first ?? ""), parts.count > 1 ? PercentEncoding.decode(parts[1]) : "")
        }
        guard ServerAuthority.isGood(host) else { return nil }
        return (scheme + host + rest.dropFirst(authority.count), userinfo)
    }
}
