import AsyncHTTPClient
import LogModel

/// Which proxy leads to a destination: decided once, since the destination does not change.
enum ProxyChoice {
    struct Found: Equatable {
        var host: String
        var port: Int
        var isSocks = false
        /// `Proxy-Authorization`, in two words.
        var authorization: String?

        var configuration: HTTPClient.Configuration.Proxy {
            if isSocks { return .socksServer(host: host, port: port) }
            let words = authorization?.split(separator: " ", maxSplits: 1) ?? []
            guard words.count == 2 else { return .server(host: host, port: port) }
            return .server(
                host: host, port: port,
                authorization: words[0].lowercased() == "basic"
                    ? .basic(credentials: String(words[1])) : .bearer(tokens: String(words[1])))
        }
    }

    /// nil: none. `environment`: looks a variable up.
    static func proxy(for url: String, _ settings: ProxySettings, environment: (String) -> String?) -> Found? {
        var address = settings.url
        var exceptions = settings.exceptions
        if settings.isFromEnvironment {
            let name = url.lowercased().hasPrefix("https:") ? "HTTPS_PROXY" : "HTTP_PROXY"
            address = environment(name) ?? environment(name.lowercased()) ?? ""
            exceptions = environment("NO_PROXY") ?? environment("no_proxy") ?? ""
        }
        guard !address.isEmpty, !isException(url, exceptions) else { return nil }
        if settings.isFromEnvironment || !exceptions.isEmpty, isLoopback(Destination.split(host: Destination.host(of: url)).name) {
            return nil
        }
        if !address.contains("://") { address = "http://" + address }
        let host = Destination.split(host: Destination.host(of: address))
        let port = host.port ?? (address.hasPrefix("https:") ? 443 : address.hasPrefix("socks5") ? 1080 : 80)
        var found = Found(host: host.name, port: port, isSocks: address.hasPrefix("socks5"))
        let user = address.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(2).first ?? ""
        if let at = user.lastIndex(of: "@") {
            found.authorization = "Basic \(Base64.encode(PercentEncoding.decode(user[..<at])))"
        } else {
            found.authorization = settings.authorization?.exposed
        }
        return found
    }

    /// This machine is not reached through a proxy that has exceptions, as in Go.
    private static func isLoopback(_ name: String) -> Bool {
        name.lowercased() == "localhost" || name == "::1" || octets(name).map { $0 >> 24 == 127 } ?? false
    }

    /// An IPv4 address; nil for what is none.
    private static func octets(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let octet = UInt8(part), !part.hasPrefix("+") else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    /// `10.0.0.0/8`
    private static func isIn(_ network: String, _ name: String) -> Bool {
        let parts = network.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = octets(parts[0]), let bits = Int(parts[1]), (0...32).contains(bits),
            let address = octets(name)
        else { return false }
        return bits == 0 || base >> UInt32(32 - bits) == address >> UInt32(32 - bits)
    }

    /// Go's rules: `*`, a host and everything below it, `.host` only what is below, with a port or without, IPv4 networks.
    static func isException(_ url: String, _ list: String) -> Bool {
        let full = Destination.host(of: url).lowercased()
        let (name, port) = Destination.split(host: full)
        for item in list.lowercased().split(separator: ",") {
            var word = String(item.filter { $0 != " " })
            if word == "*" { return true }
            if word.isEmpty { continue }
            if word.contains("/") {
                if isIn(word, name) { return true }
                continue
            }
            let given = Destination.split(host: word)
            if !word.contains("::") || word.hasPrefix("["), let wanted = given.port {
                guard wanted == port else { continue }
                word = given.name
            }
            if word.hasPrefix("*.") { word.removeFirst() }
            if word.hasPrefix(".") ? name.hasSuffix(word) : name == word || name.hasSuffix("." + word) { return true }
        }
        return false
    }
}
