/// `HOST:PORT`, `:PORT`, `[ADDRESS]:PORT`.
package enum ListenAddress {
    /// nil for anything else. Without a host: all addresses.
    package static func parse(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host.contains(":"), !text.hasPrefix("[") { return nil }
        return (host.isEmpty ? "0.0.0.0" : host, port)
    }
}
