import LogModel
import LogShipping

/// How requests of a client travel: `tls_config`, proxies, `oauth2`.
enum TransportBlock {
    private static let tlsKeys = [
        "ca", "ca_file", "cert", "cert_file", "key", "key_file", "server_name", "insecure_skip_verify", "min_version",
        "max_version",
    ]
    private static let proxyKeys = ["proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header"]

    static func tls(_ node: YAMLNode, _ name: String, _ problems: Problems) -> TLSSettings {
        var tls = TLSSettings()
        guard let map = MapReader(node, name, keys: tlsKeys, problems) else { return tls }
        tls.authority = ClientsBlock.secret(map, "ca")
        tls.certificate = ClientsBlock.secret(map, "cert")
        tls.key = ClientsBlock.secret(map, "key")
        if (tls.certificate == nil) != (tls.key == nil) {
            problems.error(
                "`cert` and `key` in \(name) need each other", at: map.mark,
                hint: "give both, or neither: as text, or as `cert_file` and `key_file`")
        }
        tls.serverName = map.string("server_name") ?? ""
        tls.skipsVerification = map.bool("insecure_skip_verify") ?? false
        if tls.skipsVerification {
            problems.warning(
                "`insecure_skip_verify` lets anybody on the way read and answer", at: map.keyMark(of: "insecure_skip_verify"),
                hint: "give the server's authority as `ca_file`")
        }
        tls.versionMin = map.choice("min_version", TLSSettings.Version.self)
        tls.versionMax = map.choice("max_version", TLSSettings.Version.self)
        if let low = tls.versionMin, let high = tls.versionMax, low.rawValue > high.rawValue {
            map.wrong("max_version", "is below `min_version`")
        }
        return tls
    }

    /// The four proxy keys of `map`, which may hold others.
    static func proxy(_ map: MapReader) -> ProxySettings {
        var proxy = ProxySettings()
        proxy.url = map.string("proxy_url") ?? ""
        proxy.exceptions = map.string("no_proxy") ?? ""
        proxy.isFromEnvironment = map.bool("proxy_from_environment") ?? false
        if !proxy.url.isEmpty {
            let schemes = ["http://", "socks5://", "socks5h://"]
            let authority = proxy.url.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).first ?? ""
            let server = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
            if !schemes.contains(where: { proxy.url.lowercased().hasPrefix($0) }) || !ServerAuthority.isGood(server) {
                map.wrong("proxy_url", "is no proxy that can be used", hint: "write it as in http://proxy:3128")
            }
            if proxy.isFromEnvironment {
                map.problems.error(
                    "`proxy_url` and `proxy_from_environment` in \(map.name) exclude each other",
                    at: map.keyMark(of: "proxy_from_environment"), hint: "keep one of them")
            }
        }
        if proxy.url.isEmpty, !proxy.exceptions.isEmpty {
            map.problems.error(
                "`no_proxy` in \(map.name) needs `proxy_url`", at: map.keyMark(of: "no_proxy"),
                hint: "`proxy_from_environment: true` reads NO_PROXY itself")
        }
        if let node = map.node("proxy_connect_header") {
            guard case .mapping(let pairs) = node.content else {
                map.wrong("proxy_connect_header", "must be a mapping, not \(node.kindName)")
                return proxy
            }
            for pair in pairs {
                guard pair.key.lowercased() == "proxy-authorization", let value = first(pair.value) else {
                    map.problems.error(
                        "`\(pair.key)` in `proxy_connect_header` of \(map.name) cannot be sent", at: pair.keyMark,
                        hint: "`Proxy-Authorization` with one value can")
                    continue
                }
                proxy.authorization = Secret(value)
            }
        }
        return proxy
    }

    /// A text, or a list of one.
    private static func first(_ node: YAMLNode) -> String? {
        switch node.content {
        case .scalar(let text, _): return text
        case .sequence(let items) where items.count == 1: return items.first.flatMap { first($0) }
        default: return nil
        }
    }

    static func oauth2(_ node: YAMLNode, _ name: String, _ problems: Problems) -> OAuth2Settings? {
        let keys = ["client_id", "client_secret", "client_secret_file", "scopes", "token_url", "endpoint_params", "tls_config"]
        guard let map = MapReader(node, name, keys: keys + proxyKeys, problems) else { return nil }
        for key in ["client_id", "token_url"] where (map.string(key) ?? "").isEmpty { map.missing(key) }
        let secret = ClientsBlock.secret(map, "client_secret")
        if secret == nil, map.node("client_secret_file") == nil {
            map.missing("client_secret", hint: "or `client_secret_file`")
        }
        guard let client = map.string("client_id"), let text = map.string("token_url") else { return nil }
        guard let (url, _) = ClientsBlock.split(text) else {
            map.wrong("token_url", "is no URL of a server", hint: "write it as in https://host/oauth/token")
            return nil
        }
        var settings = OAuth2Settings(clientID: client, clientSecret: secret ?? SecretSource(""), tokenURL: url)
        settings.scopes = map.strings("scopes") ?? []
        settings.parameters = (map.mapping("endpoint_params") ?? []).map {
            OAuth2Settings.Parameter($0.name, $0.value ?? "")
        }
        if let node = map.node("tls_config") { settings.tls = tls(node, "\(name).tls_config", problems) }
        settings.proxy = proxy(map)
        return settings
    }
}
