import Bytes
import Glibc

/// The child process that reads the journal: `tailrace journal-helper …`. It shares nothing with the collector but a pipe, so a
/// journal file that is vacuumed under its mapping costs one restart from the cursor.
package enum JournalHelper {
    /// The name of the hidden subcommand.
    package static let command = "journal-helper"

    struct Arguments: Equatable {
        var options = JournalReader.Options()
        var once = false

        init() {}

        var words: [String] {
            var words: [String] = []
            switch options.place {
            case .system: break
            case .directory(let path): words += ["--directory", path]
            case .files(let paths): for path in paths { words += ["--file", path] }
            }
            for match in options.matches { words += ["--match", match] }
            if let cursor = options.cursor { words += ["--cursor", cursor] }
            if let since = options.since { words += ["--since", String(since)] }
            words += ["--field-max", String(options.fieldMax)]
            if once { words.append("--once") }
            return words
        }

        /// nil, and what is wrong, for arguments that `words` does not write.
        static func parse(_ words: [String]) -> (arguments: Arguments?, problem: String) {
            var arguments = Arguments()
            var files: [String] = []
            var i = 0
            while i < words.count {
                let word = words[i]
                i += 1
                if word == "--once" {
                    arguments.once = true
                    continue
                }
                guard i < words.count else { return (nil, "\(word) needs a value") }
                let value = words[i]
                i += 1
                switch word {
                case "--directory": arguments.options.place = .directory(value)
                case "--file": files.append(value)
                case "--match": arguments.options.matches.append(value)
                case "--cursor": arguments.options.cursor = value
                case "--since":
                    guard let since = UInt64(value) else { return (nil, "--since \(value) is not a number") }
                    arguments.options.since = since
                case "--field-max":
                    guard let most = Int(value), (1...(128 << 20)).contains(most) else {
                        return (nil, "--field-max \(value) is out of range")
                    }
                    arguments.options.fieldMax = most
                default: return (nil, "unknown argument \(word)")
                }
            }
            if !files.isEmpty { arguments.options.place = .files(files) }
            return (arguments, "")
        }
    }

    /// Largest piece written at once, bytes.
    private static let chunk = 256 << 10

    /// The main program of the helper. Writes frames to standard output until the journal's end (`--once`), until nobody
    /// reads them, or for ever. Returns the exit status.
    package static func run(arguments words: [String]) -> Int32 {
        // A reader that has gone is an error of `write`, not the end by signal.
        signal(SIGPIPE, SIG_IGN)
        // A vacuumed mapping is to be expected here: the end, quietly, and no backtrace.
        signal(SIGBUS, SIG_DFL)
        let out = ByteArena(capacity: chunk)
        let (parsed, problem) = Arguments.parse(words)
        guard let arguments = parsed else {
            JournalFrame.failure("journal-helper: \(problem)").encode(into: out)
            _ = flush(out, to: STDOUT_FILENO)
            return 2
        }
        do {
            try follow(arguments, out, to: STDOUT_FILENO)
            return 0
        } catch {
            JournalFrame.failure("\(error)").encode(into: out)
            _ = flush(out, to: STDOUT_FILENO)
            return 3
        }
    }

    static func follow(_ arguments: Arguments, _ out: ByteArena, to file: Int32) throws(JournalError) {
        var last: String?
        if arguments.once {
            var whole = arguments.options
            whole.cursor = nil
            whole.since = nil
            last = try JournalReader(whole).lastCursor()
        }
        if arguments.once, last == nil || last == arguments.options.cursor {
            JournalFrame.end.encode(into: out)
            _ = flush(out, to: file)
            return
        }
        let reader = try JournalReader(arguments.options)
        if reader.lostCursor { JournalFrame.lost.encode(into: out) }
        while true {
            if let entry = try reader.next() {
                JournalFrame.entry(entry).encode(into: out)
                if let last, entry.cursor == ByteString(last) { break }
                if out.count >= chunk, !flush(out, to: file) { return }
                continue
            }
            if arguments.once { break }
            JournalFrame.alive.encode(into: out)
            guard flush(out, to: file), !isHungUp(file) else { return }
            try reader.wait()
        }
        JournalFrame.end.encode(into: out)
        _ = flush(out, to: file)
    }

    /// False when nobody reads any more.
    private static func flush(_ out: ByteArena, to file: Int32) -> Bool {
        defer { out.reset() }
        return out.view.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count, let start = raw.baseAddress {
                let count = write(file, start + done, raw.count - done)
                if count >= 0 {
                    done += count
                } else if errno != EINTR {
                    return false
                }
            }
            return true
        }
    }

    private static func isHungUp(_ file: Int32) -> Bool {
        var state = pollfd(fd: file, events: 0, revents: 0)
        return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
    }
}
