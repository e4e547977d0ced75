import Bytes
import Glibc
import LogConfig
import LogModel
import LogPipeline

/// `tailrace inspect`: shows the way of each line through the stages of a job, and what comes out. Nothing is stored or sent, and all
/// that is shown has passed the redactors.
package enum InspectRunner {
    package struct Words: Sendable {
        var path: String
        var job: String?
        var expandsEnvironment: Bool
        var file: String?

        /// `path`: the configuration; `file`: lines, `-` or nil for standard input.
        package init(path: String, job: String?, expandsEnvironment: Bool, file: String?) {
            self.path = path
            self.job = job
            self.expandsEnvironment = expandsEnvironment
            self.file = file
        }
    }

    /// 0: shown; 2: the configuration or the input cannot be read, and why. O(longest line) memory.
    package static func run(_ words: Words) -> (status: Int32, message: String?) {
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            configuration = try ConfigurationLoader.load(path: words.path, expandEnv: words.expandsEnvironment)
        } catch { return (2, error.description) }
        guard let input = LineInput(path: words.file) else {
            return (2, "cannot read \(words.file ?? "-"): \(String(cString: strerror(errno)))")
        }
        let colours = isatty(1) == 1 && getenv("NO_COLOR") == nil
        var bench: JobBench
        do throws(JobBench.Failure) {
            bench = try JobBench(configuration, job: words.job, labels: nil, clock: { Timestamp.now() }) { redactor in
                PipelineInspector(redactor: redactor, colours: colours) { show($0) }
            }
        } catch { return (2, "\(words.path): \(error.message)") }
        var number = 0
        while let batch = input.next({ line in
            number += 1
            show("\(number > 1 ? "\n" : "")line \(number)\n")
            return bench.feed(line, at: Timestamp.now().nanoseconds)
        }) {
            show(batch, orElse: "  nothing yet: dropped, or held until more lines come")
        }
        if let batch = bench.flush() {
            show("\nat the end\n")
            show(batch, orElse: "")
        }
        return input.failure.map { (2, $0) } ?? (0, nil)
    }

    private static func show(_ batch: WriteBatch?, orElse: String) {
        guard let batch else { return show(orElse + "\n") }
        for row in batch.rows {
            let metadata = batch.metadata[Int(row.metadata)]
            show(
                "comes out: \(PipelineInspector.time(row.timestamp)) \(batch.streams[Int(row.stream)])"
                    + (metadata.pairs.isEmpty ? "" : " \(metadata)") + "\n  \(PipelineInspector.quoted(batch.withLine(row) { $0.string }))\n")
        }
    }

    private static func show(_ text: String) { text.withCString { _ = write(1, $0, strlen($0)) } }
}
