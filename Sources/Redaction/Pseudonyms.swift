import Bytes
import LogModel

/// Makes pseudonyms: `<kind>:<key id>:<32 hexadecimal digits>`, the first 128 bits of HMAC-SHA-256 over the kind, a NUL and
/// the value in one way of writing. Who has no key can neither undo them nor, as of plain hashes, try all card numbers;
/// who has it can find the pseudonym of a value that he knows.
struct Pseudonyms: Sendable {
    /// Bytes of the digest that are written.
    static let byteCount = 16
    /// Shortest secret taken, bytes.
    static let secretMin = 16
    private static let idMax = 16

    private let signer: HMACSHA256
    private let signerID: [UInt8]
    /// Of all keys, those that no longer sign included.
    private let ids: [[UInt8]]
    /// What may stand in front of the first colon.
    private let kinds: [[UInt8]]

    /// `kinds`: names of rules.
    init?(_ keys: [RedactionSettings.Key], kinds: [String]) throws(RedactionError) {
        for (index, key) in keys.enumerated() {
            let id = Array(key.id.utf8)
            guard (1...Self.idMax).contains(id.count), id.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "_") }) else {
                throw RedactionError("`\(key.id)` is no id of a key: it has 1 to \(Self.idMax) letters, digits and underscores")
            }
            guard key.secret.exposed.utf8.count >= Self.secretMin else {
                throw RedactionError("key `\(key.id)` has less than \(Self.secretMin) bytes: make one with `openssl rand -hex 32`")
            }
            guard !keys[..<index].contains(where: { $0.id == key.id }) else {
                throw RedactionError("two keys have the id `\(key.id)`")
            }
        }
        guard let first = keys.first else { return nil }
        signer = first.secret.exposed.withView { HMACSHA256(key: $0) }
        signerID = Array(first.id.utf8)
        ids = keys.map { Array($0.id.utf8) }
        self.kinds = kinds.map { Array($0.utf8) }
    }

    /// Appends the pseudonym of `value`, decoded, that a rule called `kind` has found.
    func write(_ value: ByteView, kind: String, _ detector: Detector?, into out: ByteArena) {
        var code = signer
        kind.withView { code.update($0) }
        code.update(0)
        Self.normalize(value, detector, into: &code)
        out.append(kind)
        out.append(UInt8(ascii: ":"))
        out.append(signerID)
        out.append(UInt8(ascii: ":"))
        for byte in code.finish().prefix(Self.byteCount) {
            out.append(Self.digits[Int(byte >> 4)])
            out.append(Self.digits[Int(byte & 15)])
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    /// The value in one way of writing, so that `4111-1111-…` and `4111 1111 …` get the same pseudonym.
    private static func normalize(_ value: ByteView, _ detector: Detector?, into code: inout HMACSHA256) {
        switch detector {
        case .card, .ssn: for i in value.indices where value[i].isDigit { code.update(value[i]) }
        case .iban:
            for i in value.indices where value[i].isAlphanumeric { code.update(value[i].isLetter ? value[i] & 0xDF : value[i]) }
        case .email: for i in value.indices { code.update(value[i].lowercased) }
        case .ip:
            guard let address = IPAddress(value) else { return code.update(value) }
            for byte in address.bytes { code.update(byte) }
        default: code.update(value)
        }
    }

    /// Whether `range` lies inside one of our own pseudonyms, or begins behind the beginning of one: its kind is a word that
    /// calls detectors, as in `url_credential:k1:…`.
    func cover(_ text: ByteView, _ range: Range<Int>) -> Bool {
        let most = 64
        let alphabet: ByteClass = [.alphanumeric, .underscore]
        func isPart(_ i: Int) -> Bool { alphabet.contains(byte: text.at(i)) || text.at(i) == UInt8(ascii: ":") }
        var start = range.lowerBound
        while start > 0, range.lowerBound - start < most, isPart(start - 1) { start -= 1 }
        // A name or URL may stand in front: `user:email:k1:…`. So each beginning of a word is tried.
        while start <= range.lowerBound {
            if let end = end(text, from: start), range.lowerBound < end {
                return range.upperBound <= end || range.lowerBound > start
            }
            guard let colon = text[start..<range.lowerBound].firstIndex(of: UInt8(ascii: ":")) else { return false }
            start += colon + 1
        }
        return false
    }

    /// Where the pseudonym that begins at `start` ends.
    private func end(_ text: ByteView, from start: Int) -> Int? {
        func skip(_ words: [[UInt8]], _ at: Int) -> Int? {
            for word in words where text.at(at + word.count) == UInt8(ascii: ":") {
                if word.withView({ text[at..<at + word.count] == $0 }) { return at + word.count + 1 }
            }
            return nil
        }
        guard let id = skip(kinds, start), let code = skip(ids, id) else { return nil }
        let end = code + text.run(of: [.digit, .lowerHex], from: code, limit: 2 * Self.byteCount)
        return end - code == 2 * Self.byteCount && !text.at(end).isAlphanumeric ? end : nil
    }
}
