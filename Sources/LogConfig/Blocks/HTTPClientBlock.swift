import Bytes
import LogModel
import LogShipping
import LogSources

/// What Prometheus's discoveries have in common: how a server is reached, and what is said to it.
enum HTTPClientBlock {
    static let keys = [
        "basic_auth", "authorization", "bearer_token", "bearer_token_file", "oauth2", "tls_config", "proxy_url", "no_proxy",
        "proxy_from_environment", "proxy_connect_header", "follow_redirects", "enable_http2", "http_headers",
    ]
    private static let tlsKeys = [
        "ca", "ca_file", "cert", "cert_file", "key", "key_file", "server_name", "insecure_skip_verify", "min_version", "max_version",
    ]

    /// Adds what `map` says to `address`. `isTLS`: the scheme asks for it.
    static func decode(_ map: MapReader, isTLS: Bool, into address: inout HTTPServerAddress) {
        for key in ["oauth2", "proxy_url", "proxy_connect_header", "http_headers"] where map.node(key) != nil {
            map.problems.error(
                "`\(key)` in \(map.name) is not available", at: map.keyMark(of: key),
                hint: key == "oauth2" ? "use `bearer_token_file` with a token that another program renews" : "reach the server directly")
        }
        if map.bool("proxy_from_environment") == true {
            map.problems.warning("`proxy_from_environment` has no effect", at: map.keyMark(of: "proxy_from_environment"))
        }
        for key in ["follow_redirects", "enable_http2"] { _ = map.bool(key) }
        _ = map.string("no_proxy")
        authorize(map, &address)
        let node = map.node("tls_config")
        if isTLS { address.tls = HTTPServerAddress.TLS() }
        guard let node, let tls = MapReader(node, "\(map.name).tls_config", keys: tlsKeys, map.problems) else { return }
        var settings = HTTPServerAddress.TLS()
        settings.authority = material(tls, "ca", "ca_file")
        settings.certificate = material(tls, "cert", "cert_file")
        settings.key = material(tls, "key", "key_file")
        if (settings.certificate == nil) != (settings.key == nil) {
            tls.problems.error("`cert_file` and `key_file` in \(tls.name) belong together", at: tls.mark, hint: "give both, or none")
        }
        settings.serverName = tls.string("server_name").flatMap { $0.isEmpty ? nil : $0 }
        settings.skipsVerification = tls.bool("insecure_skip_verify") ?? false
        // A tls_config beside plain http is not used, as in Promtail.
        if isTLS { address.tls = settings }
    }

    private static func material(_ map: MapReader, _ inline: String, _ file: String) -> HTTPServerAddress.Material? {
        if let path = map.string(file), !path.isEmpty { return .file(path) }
        if let text = map.secret(inline), !text.exposed.isEmpty { return .text(text) }
        return nil
    }

    private static func authorize(_ map: MapReader, _ address: inout HTTPServerAddress) {
        let given =
            ["basic_auth", "authorization"].filter { map.node($0) != nil }
            + (map.node("bearer_token") != nil || map.node("bearer_token_file") != nil ? ["bearer_token"] : [])
        if given.count > 1 {
            map.problems.error(
                "\(given.map { "`\($0)`" }.joined(separator: " and ")) in \(map.name) exclude each other",
                at: map.keyMark(of: given[1]), hint: "keep one of them")
        }
        if let node = map.node("basic_auth") {
            let keys = ["username", "username_file", "password", "password_file"]
            guard let entry = MapReader(node, "\(map.name).basic_auth", keys: keys, map.problems) else { return }
            let user = secret(entry, "username")?.exposed ?? ""
            let password = secret(entry, "password")?.exposed ?? ""
            address.authorization = .header(Secret("Basic " + Base64Text.encode(Array("\(user):\(password)".utf8))))
            return
        }
        if let node = map.node("authorization") {
            let keys = ["type", "credentials", "credentials_file"]
            guard let entry = MapReader(node, "\(map.name).authorization", keys: keys, map.problems) else { return }
            let type = entry.string("type") ?? "Bearer"
            if let path = entry.string("credentials_file"), type.lowercased() == "bearer" {
                address.authorization = .bearerFile(path)
            } else if let credentials = secret(entry, "credentials") {
                address.authorization = header(entry, type, credentials)
            }
            return
        }
        if let path = map.string("bearer_token_file") {
            address.authorization = .bearerFile(path)
        } else if let token = map.secret("bearer_token") {
            address.authorization = header(map, "Bearer", token)
        }
    }

    /// The value of `key`, or what the file that `key_file` names holds now.
    private static func secret(_ map: MapReader, _ key: String) -> Secret? {
        switch ClientsBlock.secret(map, key) {
        case .value(let secret): return secret
        case .file(let path):
            // A file that cannot be read was told of already.
            guard let bytes = try? FileText.read(path, sizeMax: 64 << 10) else { return nil }
            return Secret(bytes.withView { $0.trimmed.string })
        case nil: return nil
        }
    }

    /// A line break in it would be a header of its own.
    private static func header(_ map: MapReader, _ type: String, _ value: Secret) -> HTTPServerAddress.Authorization {
        let text = "\(type) \(value.exposed)"
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            map.problems.error("the credentials in \(map.name) hold characters that a header cannot have", at: map.mark)
            return .none
        }
        return .header(Secret(text))
    }

    /// `scheme://host[:port][/path]`; nil for anything else. `port`: where the text gives none.
    static func server(_ text: String, ports: [String: Int]) -> (scheme: String, host: String, port: Int, path: String)? {
        let scheme = text.prefix { $0 != ":" }.lowercased()
        guard let standard = ports[scheme], text.dropFirst(scheme.count).hasPrefix("://") else { return nil }
        let rest = text.dropFirst(scheme.count + 3)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        var path = String(rest.dropFirst(authority.count))
        guard !authority.contains("@"), !path.contains("?"), !path.contains("#") else { return nil }
        while path.hasSuffix("/") { path.removeLast() }
        var host = authority
        var port = standard
        let colons = authority.utf8.count { $0 == UInt8(ascii: ":") }
        if colons == 1 || (authority.hasPrefix("[") && !authority.hasSuffix("]")), let cut = authority.lastIndex(of: ":") {
            guard let number = Int(authority[authority.index(after: cut)...]), (1...65_535).contains(number) else { return nil }
            port = number
            host = authority[..<cut]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return (scheme, String(host), port, path)
    }
}

/// Base64 with padding.
enum Base64Text {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            bits <<= 8
            for i in 0..<4 {
                out.append(i <= group.count ? letters[Int(bits >> 26)] : UInt8(ascii: "="))
                bits <<= 6
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// nil for anything malformed. Line breaks and blanks are passed over.
    static func decode(_ text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var (bits, count, ended) = (UInt32(0), 0, false)
        for byte in text.utf8 where byte > 0x20 {
            if byte == UInt8(ascii: "=") {
                ended = true
                continue
            }
            guard !ended, let value = letters.firstIndex(of: byte) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 1
            if count == 4 {
                out += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits)]
                (bits, count) = (0, 0)
            }
        }
        switch count {
        case 0: break
        case 2: out.append(UInt8(truncatingIfNeeded: bits >> 4))
        case 3: out += [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
        default: return nil
        }
        return out
    }
}
