import Glibc

/// The oracle of long tests: lines that carry their source and their number, and what became of them.
struct SequencedLines {
    /// Lines written of each source.
    private(set) var written: [Int]

    init(sources: Int) { written = [Int](repeating: 0, count: sources) }

    var total: Int { written.reduce(0, +) }

    /// The next lines of a source, each with its newline. Their lengths vary, and follow from their numbers.
    mutating func next(_ source: Int, _ count: Int = 1) -> String {
        var text = ""
        for _ in 0..<count {
            text += Self.line(source, written[source]) + "\n"
            written[source] += 1
        }
        return text
    }

    private static let filler = String(repeating: "x", count: 300)

    static func line(_ source: Int, _ number: Int) -> String {
        "src=\(source) seq=\(number) \(filler.prefix((number &* 7 + source) % 97)) end"
    }

    struct Verdict: CustomStringConvertible {
        var found = 0
        var lost = 0
        var twice = 0
        /// Lines that nobody wrote as they are.
        var altered = 0
        var firstLost: [String] = []

        var description: String {
            "\(found) found, lost \(lost), twice \(twice), altered \(altered) \(firstLost.prefix(5))"
        }
    }

    /// Compares with what `tailrace store export` made of a store.
    func judge(_ exported: String) -> Verdict {
        var verdict = Verdict()
        var seen = written.map { [UInt8](repeating: 0, count: $0) }
        guard let file = fopen(exported, "r") else { return verdict }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var room = 0
        defer { free(line) }
        while getline(&line, &room, file) > 0 {
            guard let line else { break }
            // Probes and the like are none of ours.
            guard let start = strstr(line, "src=") else { continue }
            var rest: UnsafeMutablePointer<CChar>?
            let source = strtol(start + 4, &rest, 10)
            let number = rest.flatMap { strncmp($0, " seq=", 5) == 0 ? strtol($0 + 5, nil, 10) : nil } ?? -1
            guard seen.indices.contains(source), seen[source].indices.contains(number) else {
                verdict.altered += 1
                continue
            }
            verdict.found += 1
            let expected = Self.line(source, number)
            if strncmp(start, expected, expected.utf8.count) != 0 { verdict.altered += 1 }
            if seen[source][number] > 0 { verdict.twice += 1 }
            seen[source][number] = 1
        }
        for (source, numbers) in seen.enumerated() {
            for (number, count) in numbers.enumerated() where count == 0 {
                verdict.lost += 1
                if verdict.firstLost.count < 5 { verdict.firstLost.append("src=\(source) seq=\(number) of \(numbers.count)") }
            }
        }
        return verdict
    }

    /// Of the store in `data`, which no process may hold.
    func judge(store data: String, _ folder: Scratch) throws -> Verdict {
        let out = folder.path("export-\(Scratch.number()).jsonl")
        let export = try TailraceProcess.run(["store", "export", data, "-o", out], in: folder)
        guard export.status == 0 else { throw HarnessError("export: \(export.output)") }
        defer { unlink(out) }
        return judge(out)
    }
}

/// A file that a program keeps open and appends to, as services do.
final class AppendedFile {
    private var handle: Int32
    let path: String

    init(_ path: String) {
        self.path = path
        handle = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    }

    func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                let count = write(handle, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count <= 0 { return }
                done += count
            }
        }
    }

    /// What the program does when it is told that its file was renamed.
    func reopen() {
        close(handle)
        handle = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    }

    func truncate() { _ = ftruncate(handle, 0) }

    deinit { close(handle) }
}

/// Figures of a process from /proc.
enum ProcessFigures {
    /// Resident memory at its peak, KiB.
    static func peak(_ pid: pid_t) -> Int { field("VmHWM:", pid) }
    static func resident(_ pid: pid_t) -> Int { field("VmRSS:", pid) }

    private static func field(_ name: String, _ pid: pid_t) -> Int {
        Files.read("/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    /// User and system time, seconds.
    static func cpu(_ pid: pid_t) -> Double {
        let words = Files.read("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard words.count > 13, let user = Double(words[11]), let system = Double(words[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// Moments at which something became visible, for their percentiles.
struct Latencies {
    private var seconds: [Double] = []

    mutating func add(_ value: Double) { seconds.append(value) }
    var count: Int { seconds.count }

    func percentile(_ share: Double) -> Double {
        guard !seconds.isEmpty else { return 0 }
        let sorted = seconds.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
