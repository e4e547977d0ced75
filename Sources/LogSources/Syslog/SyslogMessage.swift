import Bytes
import LogModel

/// A syslog message, as far as it could be understood: what is not a header is text, and nothing is thrown away.
package struct SyslogMessage: Sendable, Equatable {
    package struct Datum: Sendable, Equatable {
        package var id: ByteString
        package var name: ByteString
        package var value: ByteString
    }

    package var priority: Int?
    /// Nanoseconds since 1970.
    package var timestamp: Int64?
    package var hostname = ByteString()
    package var appName = ByteString()
    package var procID = ByteString()
    package var msgID = ByteString()
    package var data: [Datum] = []
    /// The range of the text in the message.
    package var text = 0..<0
    /// Whether all of the header was as the format has it.
    package var isWhole = true

    package var severity: String? { priority.map { Self.severities[$0 & 7] } }
    package var facility: String? { priority.map { Self.facilities[min($0 >> 3, 23)] } }

    /// Promtail's words.
    static let severities = ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"]
    static let facilities =
        [
            "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "security",
            "console", "solaris-cron",
        ] + (0..<8).map { "local\($0)" }

    /// Data beyond this is left out: a message of a megabyte would hold a hundred thousand.
    static let dataMax = 256

    /// `now`: seconds since 1970, for the year that RFC 3164 does not say.
    package init(_ bytes: ByteView, format: SyslogSettings.Format, now: Int64) {
        var reader = SyslogCursor(bytes)
        priority = reader.priority()
        if priority == nil { isWhole = false }
        switch format {
        case .rfc5424 where priority == nil || !readVersioned(&reader): isWhole = false
        case .rfc5424: break
        case .rfc3164: readOld(&reader, now)
        }
        var start = reader.at
        // A byte order mark says that the text is UTF-8, which it is anyway.
        if bytes.suffix(from: start).hasPrefix("\u{FEFF}" as StaticString) { start += 3 }
        var end = bytes.count
        while end > start, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D || bytes[end - 1] == 0 { end -= 1 }
        text = start..<max(start, end)
    }

    /// `VERSION TIMESTAMP HOSTNAME APP PROCID MSGID DATA [TEXT]`; false where it stops being that.
    private mutating func readVersioned(_ reader: inout SyslogCursor) -> Bool {
        var mark = reader.at
        func back() -> Bool {
            reader.at = mark
            return false
        }
        guard let version = reader.word(), (1...3).contains(version.count), version.copy().allSatisfy(\.isDigit) else {
            return back()
        }
        mark = reader.at
        guard let time = reader.word() else { return back() }
        if !time.isNil {
            guard let parsed = SyslogTime.rfc3339(time) else { return back() }
            timestamp = parsed
        }
        for (field, most) in [(\SyslogMessage.hostname, 255), (\.appName, 48), (\.procID, 128), (\.msgID, 32)] {
            mark = reader.at
            guard let word = reader.word(), word.count <= most else { return back() }
            if !word.isNil { self[keyPath: field] = ByteString(word) }
        }
        mark = reader.at
        guard readData(&reader) else { return back() }
        // One blank before the text.
        if !reader.isAtEnd {
            guard reader.take(0x20) else { return back() }
        }
        return true
    }

    private mutating func readData(_ reader: inout SyslogCursor) -> Bool {
        if reader.take(UInt8(ascii: "-")) { return true }
        guard reader.peek == UInt8(ascii: "[") else { return false }
        while reader.take(UInt8(ascii: "[")) {
            guard let id = reader.name() else { return false }
            while reader.take(0x20) {
                if reader.peek == UInt8(ascii: "]") { break }
                guard let name = reader.name(), reader.take(UInt8(ascii: "=")), let value = reader.quoted() else { return false }
                if data.count < Self.dataMax {
                    data.append(Datum(id: ByteString(id), name: ByteString(name), value: ByteString(value)))
                }
            }
            guard reader.take(UInt8(ascii: "]")) else { return false }
        }
        return true
    }

    /// `Mmm dd hh:mm:ss HOST TAG[PID]: TEXT`, each part optional, as senders have it.
    private mutating func readOld(_ reader: inout SyslogCursor, _ now: Int64) {
        let rest = reader.rest
        if let time = SyslogTime.rfc3164(rest, now: now) {
            timestamp = time
            reader.at += 16
        } else if let space = rest.firstIndex(of: 0x20), let time = SyslogTime.rfc3339(rest.prefix(space)) {
            timestamp = time
            reader.at += space + 1
        } else {
            isWhole = false
            return
        }
        var mark = reader.at
        guard let host = reader.word(), host.count <= 255, host.count > 0, host[host.count - 1] != UInt8(ascii: ":") else {
            reader.at = mark
            return readTag(&reader)
        }
        hostname = ByteString(host)
        mark = reader.at
        readTag(&reader)
    }

    private mutating func readTag(_ reader: inout SyslogCursor) {
        let rest = reader.rest
        var at = 0
        while at < rest.count, at <= 48, rest[at] != 0x20, rest[at] != UInt8(ascii: ":"), rest[at] != UInt8(ascii: "[") { at += 1 }
        guard at > 0, at < rest.count, rest[at] != 0x20 else { return }
        let tag = rest.prefix(at)
        var pid = ByteView()
        if rest[at] == UInt8(ascii: "[") {
            guard let close = rest.firstIndex(of: UInt8(ascii: "]"), from: at), close - at <= 128 else { return }
            pid = rest[(at + 1)..<close]
            at = close + 1
        }
        guard at < rest.count, rest[at] == UInt8(ascii: ":") else { return }
        appName = ByteString(tag)
        procID = ByteString(pid)
        at += 1
        if at < rest.count, rest[at] == 0x20 { at += 1 }
        reader.at += at
    }
}

/// A place in a message.
private struct SyslogCursor {
    let bytes: ByteView
    var at = 0

    init(_ bytes: ByteView) { self.bytes = bytes }

    var isAtEnd: Bool { at >= bytes.count }
    var peek: UInt8? { at < bytes.count ? bytes[at] : nil }
    var rest: ByteView { bytes.suffix(from: min(at, bytes.count)) }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        at += 1
        return true
    }

    /// `<0>` to `<191>`.
    mutating func priority() -> Int? {
        guard peek == UInt8(ascii: "<"), let close = bytes.prefix(at + 5).firstIndex(of: UInt8(ascii: ">"), from: at), close > at + 1
        else { return nil }
        var value = 0
        for i in (at + 1)..<close {
            guard bytes[i].isDigit else { return nil }
            value = value * 10 + Int(bytes[i] - 0x30)
        }
        guard value <= 191 else { return nil }
        at = close + 1
        return value
    }

    /// Up to a blank, which is passed; nil at the end and where there is none.
    mutating func word() -> ByteView? {
        let start = at
        while let byte = peek, byte != 0x20 { at += 1 }
        guard at > start else { return nil }
        defer { if peek == 0x20 { at += 1 } }
        return bytes[start..<at]
    }

    /// A name of structured data: up to `=`, blank, `]` or `"`.
    mutating func name() -> ByteView? {
        let start = at
        while let byte = peek, byte > 0x20, byte != UInt8(ascii: "="), byte != UInt8(ascii: "]"), byte != UInt8(ascii: "\"") { at += 1 }
        return at > start ? bytes[start..<at] : nil
    }

    /// `"…"` with `\"`, `\\` and `\]` taken as the second character.
    mutating func quoted() -> [UInt8]? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var out: [UInt8] = []
        while let byte = peek {
            at += 1
            if byte == UInt8(ascii: "\"") { return out }
            if byte == UInt8(ascii: "\\"), let next = peek, [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "]")].contains(next) {
                out.append(next)
                at += 1
            } else {
                out.append(byte)
            }
        }
        return nil
    }
}

extension ByteView {
    /// `-`, which stands for nothing.
    fileprivate var isNil: Bool { count == 1 && self[0] == UInt8(ascii: "-") }
}
