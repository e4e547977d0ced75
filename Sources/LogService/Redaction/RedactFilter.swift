import Bytes
import Glibc
import LogConfig
import Redaction

/// The arguments of `tailrace redact` as typed.
package struct RedactWords: Sendable {
    /// Files, or `-` for standard input; none: standard input.
    package var files: [String]
    /// Whose `redaction:` block holds; nil: the defaults.
    package var configuration: String?
    package var expandsEnvironment: Bool
    /// Write nothing but say whether there is anything to be found.
    package var checks: Bool
    package var stats: Bool

    package init(files: [String], configuration: String? = nil, expandsEnvironment: Bool = false, checks: Bool = false, stats: Bool = false) {
        self.files = files
        self.configuration = configuration
        self.expandsEnvironment = expandsEnvironment
        self.checks = checks
        self.stats = stats
    }
}

/// `tailrace redact FILE…`: lines in, redacted lines out. Everything else stays byte for byte, also `\r` and a missing newline
/// at the end. Memory does not depend on the input.
package struct RedactFilter {
    /// Longer lines cannot be looked at as a whole: a placeholder stands for them.
    static let lineMax = 16 << 20
    private static let pieceSize = 1 << 20

    private let redactor: Redactor
    private let scratch: RedactionScratch
    private let output = Output()
    private let checks: Bool
    private let line = ByteArena(capacity: 4096)
    private(set) var lines = 0
    private(set) var changed = 0
    private(set) var dropped = 0
    private(set) var tooLong = 0

    init(_ redactor: Redactor, checks: Bool) throws(RedactionError) {
        self.redactor = redactor
        scratch = try redactor.makeScratch()
        self.checks = checks
    }

    /// Ends with 0; with 1 where `--check` has found something; with 2 where something could not be read or written.
    package static func run(_ words: RedactWords) -> CommandOutcome {
        var settings = RedactionSettings()
        if let path = words.configuration {
            do throws(ConfigurationErrors) {
                let loaded = try ConfigurationLoader.load(path: path, expandEnv: words.expandsEnvironment)
                guard let block = loaded.redaction else { return CommandOutcome(2, "\(path): there is no `redaction:` block in it") }
                settings = block
            } catch {
                return CommandOutcome(2, error.description)
            }
        }
        var filter: RedactFilter
        do throws(RedactionError) { filter = try RedactFilter(try Redactor(settings), checks: words.checks) } catch {
            return CommandOutcome(2, error.description)
        }
        var failure: String?
        for path in words.files.isEmpty ? ["-"] : words.files {
            if let found = filter.run(path) { failure = failure ?? found }
            if filter.output.failed { break }
        }
        filter.output.flush()
        if words.stats { StandardErrorText.write(filter.report) }
        if let failure = failure ?? filter.output.failure { return CommandOutcome(2, failure) }
        return CommandOutcome(words.checks && filter.hasFound ? 1 : 0)
    }

    /// Whether anything was found, or could not be looked at.
    var hasFound: Bool { scratch.counts.contains { $0 > 0 } || scratch.failures > 0 || tooLong > 0 }

    /// Lines, and findings by rule.
    var report: String {
        var text = "lines \(lines)\nchanged \(changed)\ndropped \(dropped)\nunscanned \(scratch.failures + tooLong)\n"
        for (number, rule) in redactor.rules.enumerated() where rule.isOn { text += "\(rule.name) \(scratch.counts[number])\n" }
        return text
    }

    /// One file; a sentence where it could not be read.
    private mutating func run(_ path: String) -> String? {
        let isInput = path == "-"
        let descriptor = isInput ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "\(path): \(Output.lastError)" }
        defer { if !isInput { close(descriptor) } }
        // What has come and is no whole line yet stands at the front.
        var buffer = [UInt8](repeating: 0, count: Self.pieceSize)
        var held = 0
        var armour = KeyArmour()
        var isSkipping = false
        while !output.failed {
            if held == buffer.count {
                if buffer.count < Self.lineMax {
                    buffer += [UInt8](repeating: 0, count: buffer.count)
                } else {
                    if !isSkipping { skip() }
                    (isSkipping, held) = (true, 0)
                }
            }
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { read(descriptor, $0 + held, bytes.count - held) } ?? -1
            }
            if count < 0 {
                if errno == EINTR { continue }
                return "\(path): cannot read: \(Output.lastError)"
            }
            let end = held + count
            let isLast = count == 0
            let filter = self
            var start = 0
            var tally = Tally()
            buffer.withView { bytes in
                while start < end {
                    guard let newline = bytes[0..<end].firstIndex(of: 0x0A, from: start) else { break }
                    if isSkipping {
                        if !filter.checks { filter.output.buffer.append(0x0A) }
                        isSkipping = false
                    } else {
                        filter.pass(bytes[start..<newline], hasEnd: true, &armour, &tally)
                    }
                    start = newline + 1
                }
                if isLast, start < end, !isSkipping { filter.pass(bytes[start..<end], hasEnd: false, &armour, &tally) }
            }
            lines += tally.lines
            changed += tally.changed
            dropped += tally.dropped
            if isLast { break }
            if isSkipping { start = end }
            held = end - start
            if start > 0, held > 0 { buffer.replaceSubrange(0..<held, with: Array(buffer[start..<end])) }
        }
        return nil
    }

    private struct Tally {
        var lines = 0
        var changed = 0
        var dropped = 0
    }

    private func pass(_ text: ByteView, hasEnd: Bool, _ armour: inout KeyArmour, _ tally: inout Tally) {
        tally.lines += 1
        line.reset()
        let outcome = redactor.redact(text, scratch, into: line, armour: &armour)
        switch outcome {
        case .clean: break
        case .changed: tally.changed += 1
        case .dropped: tally.dropped += 1
        case .failed: break
        }
        guard !checks, outcome != .dropped else { return }
        output.buffer.append(outcome == .clean ? text : line.view)
        if hasEnd { output.buffer.append(0x0A) }
        output.pass()
    }

    /// A line that is too long: its end is still to come.
    private mutating func skip() {
        lines += 1
        tooLong += 1
        if !checks { output.buffer.append(Redactor.placeholder) }
    }
}
