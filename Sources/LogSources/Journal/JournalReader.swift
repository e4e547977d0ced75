import Bytes
import CSystemd
import Glibc

/// A journal that could not be read: which call, and why.
struct JournalError: Error, Equatable, CustomStringConvertible {
    var call: String
    /// A positive errno.
    var code: Int32

    /// EBADMSG and its like come from damaged files; another attempt may go around them.
    var description: String { "\(call): \(String(cString: strerror(code)))" }
}

/// Reads a journal with libsystemd, in this process. A vacuumed file under a mapping kills the process with SIGBUS, so the
/// collector runs this in a helper (`JournalHelper`) only.
///
/// Not thread-safe: libsystemd allows a journal object on one thread.
final class JournalReader {
    struct Options: Equatable {
        var place: JournalPlace = .system
        var matches: [String] = []
        /// The entry delivered last.
        var cursor: String?
        /// Where to begin without a cursor; microseconds since 1970.
        var since: UInt64?
        /// How much of one field is read, bytes.
        var fieldMax = 16 << 20
    }

    private let journal: OpaquePointer
    private let fieldMax: Int
    private var patience = ReadPatience()
    /// Entries not certainly behind this one were delivered before.
    private var floor: JournalCursor?
    /// Set when the cursor was not in the journal any more.
    private(set) var lostCursor = false
    /// The first entry was stepped to already, and is to be delivered.
    private var isOnFirst = false

    /// Opens and seeks: behind `cursor` if that is found; behind where it was, if it is gone; else to `since`, else to the
    /// beginning.
    init(_ options: Options) throws(JournalError) {
        var opened: OpaquePointer?
        switch options.place {
        case .system: try Self.check("sd_journal_open", sd_journal_open(&opened, Int32(SD_JOURNAL_LOCAL_ONLY)))
        case .directory(let path): try Self.check("sd_journal_open_directory", sd_journal_open_directory(&opened, path, 0))
        case .files(let paths):
            var copies: [UnsafeMutablePointer<CChar>?] = paths.map { strdup($0) } + [nil]
            defer { for copy in copies { free(copy) } }
            let code = copies.withUnsafeMutableBufferPointer { list -> Int32 in
                guard let start = list.baseAddress else { return -EINVAL }
                return start.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: list.count) {
                    sd_journal_open_files(&opened, $0, 0)
                }
            }
            try Self.check("sd_journal_open_files", code)
        }
        guard let opened else { throw JournalError(call: "sd_journal_open", code: ENOMEM) }
        journal = opened
        fieldMax = options.fieldMax
        try Self.check("sd_journal_set_data_threshold", sd_journal_set_data_threshold(journal, options.fieldMax + 256))
        for match in options.matches {
            let code = match.withView { text in
                text.withUnsafeBytes { sd_journal_add_match(journal, $0.baseAddress, $0.count) }
            }
            try Self.check("match \(match)", code)
        }
        try seek(options)
    }

    deinit { sd_journal_close(journal) }

    private static func check(_ call: String, _ code: Int32) throws(JournalError) {
        if code < 0 { throw JournalError(call: call, code: -code) }
    }

    private func seek(_ options: Options) throws(JournalError) {
        if let cursor = options.cursor {
            floor = JournalCursor(cursor)
            // The seek itself succeeds for any cursor that parses, near to where the entry would be: only the test tells
            // whether it is there.
            if sd_journal_seek_cursor(journal, cursor) >= 0, try step() {
                if sd_journal_test_cursor(journal, cursor) > 0 { return }
            }
            lostCursor = true
            guard let floor else {
                try begin(options.since)
                return
            }
            // A little earlier than it was: clocks of several writers may disagree, `floor` keeps out what is known.
            let slack: UInt64 = 60_000_000
            let start = max(floor.realtime - min(slack, floor.realtime), options.since ?? 0)
            try Self.check("sd_journal_seek_realtime_usec", sd_journal_seek_realtime_usec(journal, start))
            return
        }
        try begin(options.since)
    }

    private func begin(_ since: UInt64?) throws(JournalError) {
        if let since {
            try Self.check("sd_journal_seek_realtime_usec", sd_journal_seek_realtime_usec(journal, since))
        } else {
            try Self.check("sd_journal_seek_head", sd_journal_seek_head(journal))
        }
    }

    /// One entry on; false at the end. Damaged entries are gone around, up to a limit.
    private func step() throws(JournalError) -> Bool {
        var failures = 0
        while true {
            let code = sd_journal_next(journal)
            if code >= 0 { return code > 0 }
            failures += 1
            if failures > 16 || (code != -EBADMSG && code != -EADDRNOTAVAIL) {
                throw JournalError(call: "sd_journal_next", code: -code)
            }
        }
    }

    /// Cursor of the last entry there is; nil in an empty journal. Moves the position: call it on a reader of its own.
    func lastCursor() throws(JournalError) -> String? {
        try Self.check("sd_journal_seek_tail", sd_journal_seek_tail(journal))
        let code = sd_journal_previous(journal)
        try Self.check("sd_journal_previous", code)
        return code > 0 ? try cursor() : nil
    }

    private func cursor() throws(JournalError) -> String {
        var raw: UnsafeMutablePointer<CChar>?
        try Self.check("sd_journal_get_cursor", sd_journal_get_cursor(journal, &raw))
        guard let raw else { throw JournalError(call: "sd_journal_get_cursor", code: ENOMEM) }
        defer { free(raw) }
        return String(cString: raw)
    }

    /// The next entry; nil at the end for now.
    func next() throws(JournalError) -> JournalEntry? {
        while try step() {
            var text = ""
            var realtime: UInt64 = 0
            // An entry at the end of a file that is being written may be there before what it points to can be read.
            let isThere = try patience.wait { () throws(JournalError) -> Bool in
                do throws(JournalError) { text = try cursor() } catch {
                    guard error.code == EADDRNOTAVAIL || error.code == EBADMSG else { throw error }
                    return false
                }
                return sd_journal_get_realtime_usec(journal, &realtime) >= 0
            }
            guard isThere else { continue }
            if lostCursor, let floor {
                guard let here = JournalCursor(text), here.isBehind(floor) else { continue }
            }
            var fields: [JournalEntry.Field] = []
            // What of a damaged entry can be read is better than nothing.
            _ = patience.wait { read(&fields) }
            return JournalEntry(cursor: ByteString(text), realtime: realtime, fields: fields)
        }
        return nil
    }

    /// Fields of one entry, bytes: what is more is left out, `MESSAGE` excepted.
    private static let entryMax = 48 << 20

    /// False: not all of them could be read.
    private func read(_ fields: inout [JournalEntry.Field]) -> Bool {
        fields = []
        var total = 0
        sd_journal_restart_data(journal)
        while true {
            var data: UnsafeRawPointer?
            var length = 0
            let code = sd_journal_enumerate_available_data(journal, &data, &length)
            guard code > 0, let data else { return code >= 0 }
            let view = ByteView(unsafe: data, count: length)
            guard let cut = view.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = ByteString(view[0..<cut])
            let value = view.suffix(from: cut + 1).prefix(fieldMax)
            if total + value.count > Self.entryMax, name != "MESSAGE" { continue }
            total += value.count
            fields.append(JournalEntry.Field(name: name, value: ByteString(value)))
        }
    }

    /// Waits for news, one second at most; also notices files that came and went.
    func wait(milliseconds: UInt64 = 1_000) throws(JournalError) {
        try Self.check("sd_journal_wait", sd_journal_wait(journal, milliseconds * 1_000))
    }
}
