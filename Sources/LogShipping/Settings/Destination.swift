package enum Destination {
    /// Host and port of a URL, for labels.
    package static func host(of url: String) -> String {
        let rest = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard rest.count >= 3 else { return url }
        return String(rest[2].split(separator: "@").last ?? rest[2])
    }

    /// Scheme, host and port of a URL, for messages.
    package static func origin(of url: String) -> String {
        guard let scheme = url.split(separator: ":").first, url.dropFirst(scheme.count).hasPrefix("://") else { return url }
        return "\(scheme)://\(host(of: url))"
    }

    /// The host without its port, and the port where one is written.
    package static func split(host: String) -> (name: String, port: Int?) {
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return (host, nil) }
            let rest = host[host.index(after: end)...]
            return (String(host[host.index(after: host.startIndex)..<end]), Int(rest.dropFirst()))
        }
        guard let colon = host.lastIndex(of: ":") else { return (host, nil) }
        return (String(host[..<colon]), Int(host[host.index(after: colon)...]))
    }
}
