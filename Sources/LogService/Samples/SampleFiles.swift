import Bytes
import Disk
import Glibc
import LogModel

/// `tailrace samples`: the generator's lines as files to tail.
package enum SampleFiles {
    package static func write(
        directory: String, lines: Int, seed: UInt64, start: String?, onlyIfMissing: Bool, truth: Bool
    ) -> CommandOutcome {
        guard (1...100_000_000).contains(lines) else { return CommandOutcome(2, "--lines is between 1 and 100000000") }
        let now = Timestamp.now()
        var options = SampleGenerator.Options(start: now.advanced(by: -3_600_000_000_000))
        if let start {
            guard let moment = HumanTime.moment(start, now: now) else {
                return CommandOutcome(2, "--start is a time such as 2026-11-21T10:00:00Z, not \(start)")
            }
            options.start = moment
        }
        options.lines = lines
        options.seed = seed
        options.interval = 3_500_000_000_000 / Int64(lines)
        let path = "\(directory)/llm-api.log"
        if onlyIfMissing, let age = age(of: path), age < 3_000 { return CommandOutcome(0) }
        guard makeDirectories(directory) else {
            return CommandOutcome(2, "cannot create \(directory): \(String(cString: strerror(errno)))")
        }
        var generator = SampleGenerator(options)
        guard let file = fopen(path, "w") else {
            return CommandOutcome(2, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        let line = ByteArena(capacity: 4096)
        for _ in 0..<lines {
            line.reset()
            generator.next(into: line)
            line.append("\n")
            let written = line.view.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            guard written == line.count else {
                return CommandOutcome(2, "cannot write \(path): \(String(cString: strerror(errno)))")
            }
        }
        if truth {
            guard let file = fopen("\(directory)/llm-api.truth.json", "w") else {
                return CommandOutcome(2, "cannot write the truth beside \(path): \(String(cString: strerror(errno)))")
            }
            fputs(json(generator.truth), file)
            fclose(file)
        }
        return CommandOutcome(0, "\(lines) sample lines in \(path)")
    }

    /// Appends a line every half second until the process that started this one ends: something for `make run` to tail.
    package static func follow(directory: String) -> CommandOutcome {
        let path = "\(directory)/llm-api.log"
        guard let file = fopen(path, "a") else {
            return CommandOutcome(2, "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        let starter = getppid()
        var options = SampleGenerator.Options(start: .now())
        options.lines = .max
        options.seed = UInt64(time(nil))
        var generator = SampleGenerator(options)
        let line = ByteArena(capacity: 4096)
        while getppid() == starter {
            line.reset()
            generator.next(at: .now(), into: line)
            line.append("\n")
            let written = line.view.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
            guard written == line.count, fflush(file) == 0 else {
                return CommandOutcome(2, "cannot write \(path): \(String(cString: strerror(errno)))")
            }
            usleep(500_000)
        }
        return CommandOutcome(0)
    }

    private static func age(of path: String) -> Int? {
        ModificationTime.of(path).map { time(nil) - $0 }
    }

    private static func makeDirectories(_ path: String) -> Bool {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { return false }
        }
        return true
    }

    private static func json(_ truth: SampleGenerator.Truth) -> String {
        func object(_ counts: [String: Int]) -> String {
            "{" + counts.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        }
        let byStatus = Dictionary(uniqueKeysWithValues: truth.byStatus.map { ("\($0.key)", $0.value) })
        let secrets = truth.secrets.map { "{\"kind\": \"\($0.kind.rawValue)\", \"value\": \"\($0.value)\"}" }
        return """
            {"lines": \(truth.lines),
             "level": \(object(truth.byLevel)),
             "model": \(object(truth.byModel)),
             "status": \(object(byStatus)),
             "tokens": \(object(truth.tokensByModel)),
             "slow": \(truth.slowRequests),
             "secrets": [\(secrets.joined(separator: ",\n   "))]}

            """
    }
}
