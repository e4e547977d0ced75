import Bytes
import Testing

@testable import LogStages

@Suite("Lines of container runtimes")
struct CRILineTests {
    private func parts(_ line: String) -> [String]? {
        line.withView { view in
            CRILine(view).map { [view[$0.time].string, view[$0.stream].string, view[$0.content].string, "\($0.isPartial)"] }
        }
    }

    @Test("Taken apart")
    func whole() {
        #expect(parts("2026-11-21T07:00:00Z stdout F a b") == ["2026-11-21T07:00:00Z", "stdout", "a b", "false"])
        #expect(parts("t stderr P ") == ["t", "stderr", "", "true"])
        #expect(parts("t stdout P:x y") == ["t", "stdout", "y", "false"])
        #expect(parts("t stdout F two\nlines") == ["t", "stdout", "two\nlines", "false"])
    }

    @Test("Other lines are none", arguments: ["", "x", "t stdout", "t stdout F", "t other F x", " stdout F x", "t  stdout F x", "t stdout  x", "{\"log\":\"x\"}"])
    func others(line: String) { #expect(parts(line) == nil) }
}
