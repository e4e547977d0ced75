import LogConfig
import LogPipeline

/// `tailrace test FILE…`: runs the `tests:` of configurations over their real pipelines, redaction included.
///
/// A file `NAME_test.yaml` holds the tests of `NAME.yaml` beside it. Where something else comes out than was expected, the
/// stage is named that made it so.
package enum PipelineTester {
    package struct Report: Sendable {
        /// 0 all pass, 1 some do not, 2 a file has mistakes, or no tests.
        package var status: Int32 = 0
        package var text = ""
        package var passed = 0
        package var failed = 0
    }

    /// `coverage`: says as well what of the pipelines no test has touched.
    package static func run(paths: [String], coverage: Bool = false) -> Report {
        var report = Report()
        for path in paths { run(path, coverage, &report) }
        report.text += "\(report.passed) passed, \(report.failed) failed\n"
        return report
    }

    private static func run(_ path: String, _ wantsCoverage: Bool, _ report: inout Report) {
        func stop(_ words: String) {
            report.text += words + "\n"
            report.status = 2
        }
        let tests: [PipelineTestCase]
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            let given = try ConfigurationLoader.load(path: path)
            tests = given.tests
            configuration = try pipelineFile(path).map { path throws(ConfigurationErrors) in try ConfigurationLoader.load(path: path) } ?? given
        } catch {
            return stop(error.description)
        }
        guard !tests.isEmpty else { return stop("\(path): no tests\n  hint: write them under `tests:`, or in a file beside it that ends in `_test.yaml`") }
        // Of several tests by the job that they are of.
        var coverages: [(job: String?, PipelineCoverage)] = []
        for test in tests {
            var bench: TestBench
            do throws(JobBench.Failure) { bench = try TestBench(configuration, test) } catch {
                stop("\(path):\(test.place): \(test.name): \(error.message)")
                continue
            }
            if let before = coverages.firstIndex(where: { $0.job == test.job }) { bench.coverage = coverages.remove(at: before).1 }
            let differences = bench.run(test)
            coverages.append((test.job, bench.coverage))
            if differences.isEmpty {
                report.passed += 1
            } else {
                report.failed += 1
                report.status = max(report.status, 1)
                report.text += "\(path):\(test.place): \(test.name): FAILED\n"
                for difference in differences { report.text += difference.split(separator: "\n").map { "  \($0)\n" }.joined() }
            }
        }
        guard wantsCoverage else { return }
        for (job, coverage) in coverages {
            for line in coverage.report("\(path)\(job.map { ", job \($0)" } ?? "")") { report.text += line + "\n" }
        }
    }

    /// `a/vllm_test.yaml` tests `a/vllm.yaml`; nil: the file tests itself.
    private static func pipelineFile(_ path: String) -> String? {
        for end in [".yaml", ".yml"] where path.hasSuffix("_test" + end) { return String(path.dropLast("_test".count + end.count)) + end }
        return nil
    }
}
