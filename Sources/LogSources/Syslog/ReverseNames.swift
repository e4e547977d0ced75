import Bytes
import Glibc

/// Names of addresses by reverse DNS, asked once for each of the last few thousand.
package struct ReverseNames {
    private let isWanted: Bool
    private var known: [ByteString: ByteString] = [:]
    private static let knownMax = 4096

    package init(isWanted: Bool) { self.isWanted = isWanted }

    /// Empty when there is none, or when nobody wants to know. May wait for DNS.
    package mutating func name(of address: ByteString) -> ByteString {
        guard isWanted, !address.isEmpty else { return ByteString() }
        if let name = known[address] { return name }
        let name = Self.ask(address.string)
        if known.count >= Self.knownMax { known.removeAll() }
        known[address] = name
        return name
    }

    private static func ask(_ address: String) -> ByteString {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, nil, &hints, &found) == 0, let first = found else { return ByteString() }
        defer { freeaddrinfo(first) }
        var name = [CChar](repeating: 0, count: 1025)
        guard getnameinfo(first.pointee.ai_addr, first.pointee.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NAMEREQD) == 0
        else { return ByteString() }
        return ByteString(name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
    }
}
