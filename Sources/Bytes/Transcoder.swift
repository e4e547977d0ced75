import Glibc

/// A character encoding that iconv(3) of the system knows, and how its lines end.
package struct TextEncoding: Sendable, Equatable {
    /// What iconv is asked for.
    package let name: String
    /// The bytes of a newline. Their number is the width of a code unit where it is not 1.
    package let newline: [UInt8]
    /// Where the byte order is told by the text itself, its two readings.
    package let orders: (little: String, big: String)?

    /// Encodings whose bytes mean different things behind different escapes: a newline cannot be found in them.
    private static let stateful = ["ISO-2022", "ISO2022", "CSISO2022", "UTF-7", "UTF7", "HZ", "IBM93", "CP93", "UNICODE-1-1-UTF-7"]

    package static func == (a: TextEncoding, b: TextEncoding) -> Bool { a.name == b.name }

    /// By any name that iconv takes, and by those of IANA. Throws what is wrong with it.
    package init(_ given: String) throws(DecodeError) {
        let name = given.uppercased()
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }), !name.isEmpty, name.utf8.count < 64 else {
            throw DecodeError("no encoding is called that")
        }
        if Self.stateful.contains(where: { name.hasPrefix($0) }) {
            throw DecodeError("it switches between meanings of bytes, and lines cannot be told apart in it")
        }
        switch name {
        case "UTF-16", "UTF16", "UCS-2", "UCS2", "ISO-10646-UCS-2", "UNICODE": orders = ("UTF-16LE", "UTF-16BE")
        case "UTF-32", "UTF32", "UCS-4", "UCS4", "ISO-10646-UCS-4": orders = ("UTF-32LE", "UTF-32BE")
        default: orders = nil
        }
        var candidates = [orders?.little ?? name]
        for (prefix, other) in [("WINDOWS-", "CP"), ("X-", ""), ("CP-", "CP"), ("X-MAC-", "MAC-"), ("ISO", "ISO-")] where name.hasPrefix(prefix) {
            candidates.append(other + name.dropFirst(prefix.count))
        }
        for candidate in candidates {
            guard let end = Self.newline(in: candidate) else { continue }
            guard [1, 2, 4].contains(end.count) else { break }
            self.name = orders == nil ? candidate : name
            newline = end
            return
        }
        throw DecodeError("no such encoding on this host (`iconv -l` lists what there is)")
    }

    private init(name: String, newline: [UInt8]) {
        self.name = name
        self.newline = newline
        orders = nil
    }

    package var width: Int { newline.count }
    /// UTF-8 and what is part of it: there is nothing to decode.
    package var isUTF8: Bool { ["UTF-8", "UTF8", "ASCII", "US-ASCII", "ANSI_X3.4-1968"].contains(name) }

    /// The encoding of a text that begins with `beginning`: its byte order mark decides, and where there is none and the name
    /// tells no order, where the zero bytes stand. Big endian when even that says nothing (RFC 2781).
    package func resolved(_ beginning: ByteView) -> TextEncoding {
        guard width > 1 else { return self }
        let isWide = width == 4
        let names = orders ?? (isWide ? ("UTF-32LE", "UTF-32BE") : ("UTF-16LE", "UTF-16BE"))
        func named(_ little: Bool) -> TextEncoding {
            let zeros = [UInt8](repeating: 0, count: width - 1)
            return TextEncoding(name: little ? names.little : names.big, newline: little ? [0x0A] + zeros : zeros + [0x0A])
        }
        if isWide {
            if beginning.hasPrefix([0xFF, 0xFE, 0, 0]) { return named(true) }
            if beginning.hasPrefix([0, 0, 0xFE, 0xFF]) { return named(false) }
        } else {
            if beginning.hasPrefix([0xFF, 0xFE]) { return named(true) }
            if beginning.hasPrefix([0xFE, 0xFF]) { return named(false) }
        }
        guard orders != nil else { return self }
        var first = 0
        var last = 0
        var at = 0
        while at + width <= beginning.count {
            if beginning[at] == 0 { first += 1 }
            if beginning[at + width - 1] == 0 { last += 1 }
            at += width
        }
        return named(last > first)
    }

    /// Where the first newline at or after `start` begins, in a text whose code units begin at 0.
    package func newline(in text: ByteView, from start: Int) -> Int? {
        guard width > 1 else { return text.firstIndex(of: newline[0], from: start) }
        let place = newline[0] == 0x0A ? 0 : width - 1
        var at = start - start % width
        while let hit = text.firstIndex(of: 0x0A, from: at) {
            let unit = hit - hit % width
            guard unit + width <= text.count else { return nil }
            if hit - unit == place, (0..<width).allSatisfy({ text[unit + $0] == newline[$0] }) { return unit }
            at = hit + 1
        }
        return nil
    }

    /// A newline in `encoding`; nil when there is no such encoding.
    private static func newline(in encoding: String) -> [UInt8]? {
        let converter = iconv_open(encoding, "UTF-8")
        guard converter != iconv_t(bitPattern: -1) else { return nil }
        defer { iconv_close(converter) }
        // It must go the other way too.
        let back = iconv_open("UTF-8", encoding)
        guard back != iconv_t(bitPattern: -1) else { return nil }
        iconv_close(back)
        var input: [CChar] = [0x0A]
        var output = [CChar](repeating: 0, count: 16)
        var left = 1
        var room = output.count
        let done = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                var from = input.baseAddress
                var to = output.baseAddress
                return iconv(converter, &from, &left, &to, &room)
            }
        }
        guard done != -1 else { return nil }
        return output.prefix(16 - room).map { UInt8(bitPattern: $0) }
    }
}

/// Turns text of one encoding into UTF-8.
package final class Transcoder {
    package let encoding: TextEncoding
    private let converter: iconv_t

    /// nil when the system does not know the encoding (any more).
    package init?(_ encoding: TextEncoding) {
        guard let converter = iconv_open("UTF-8", encoding.name), converter != iconv_t(bitPattern: -1) else { return nil }
        self.encoding = encoding
        self.converter = converter
    }

    deinit { iconv_close(converter) }

    /// Appends `text` as UTF-8; returns how many code units made no sense and became U+FFFD. O(n)
    package func append(_ text: ByteView, to out: ByteArena) -> Int {
        if text.isEmpty { return 0 }
        var replaced = 0
        iconv(converter, nil, nil, nil, nil)
        text.withUnsafeBytes { source in
            // iconv only reads what it is given, whatever its type says.
            var from = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: CChar.self))
            var left = source.count
            while left > 0 {
                var code: Int32 = 0
                out.appendUnsafe(capacity: max(64, left + left / 2)) { room in
                    var to = room.baseAddress?.assumingMemoryBound(to: CChar.self)
                    var free = room.count
                    if iconv(converter, &from, &left, &to, &free) == -1 { code = errno }
                    return room.count - free
                }
                // More room is made in the next round; everything else is passed over.
                if code == 0 || code == E2BIG { continue }
                out.append("\u{FFFD}" as StaticString)
                replaced += 1
                let step = code == EILSEQ ? min(encoding.width, left) : left
                from = from.map { $0 + step }
                left -= step
                iconv(converter, nil, nil, nil, nil)
            }
        }
        return replaced
    }
}
