import LogQL
import Testing

/// The language against what Loki answered.
@Suite(.enabled(if: RecordedCase.all != nil, "no recorded cases: set TAILRACE_SHARED or put them at ../shared"))
struct RecordedCasesTests {
    /// Errors in texts that belong to the stages themselves are not this module's.
    private static func isForeign(_ answer: String) -> Bool {
        [
            "cannot parse expression", "invalid line template", "invalid template for label", "invalid pattern parser",
            "ip: invalid pattern", "consecutive capture",
        ].contains { part in answer.contains(part) }
    }

    @Test func refusesWhatLokiRefusesInTheSameWords() {
        var asked = 0
        var sameText = 0
        for item in RecordedCase.all ?? [] where item.status == 400 && item.answer.hasPrefix("parse error") {
            if Self.isForeign(item.answer) { continue }
            asked += 1
            do {
                let tree = try LogQL.parse(item.query)
                Issue.record("\(item) was accepted: \(tree), expected \(item.answer)")
            } catch {
                if error.message == item.answer {
                    sameText += 1
                } else {
                    Issue.record("\(item): \(error.message), expected \(item.answer)")
                }
            }
        }
        print("recorded parse errors: \(sameText) of \(asked) in the same words")
        #expect(asked > 80)
    }

    @Test func acceptsWhatLokiAccepts() {
        var asked = 0
        for item in RecordedCase.all ?? [] where !item.answer.hasPrefix("parse error") {
            // Endpoints that do not parse `query`, or let it be empty.
            if item.query.isEmpty || item.query == "{}" || item.status >= 400 && item.group.hasPrefix("errors-params") {
                continue
            }
            asked += 1
            do {
                let tree = try LogQL.parse(item.query)
                let again = try LogQL.parse(tree.description)
                #expect(again == tree, "\(item): \(tree)")
            } catch {
                Issue.record("\(item): \(error)")
            }
        }
        #expect(asked > 700)
    }

    @Test func formatsAsLoki() {
        for item in RecordedCase.all ?? [] where item.path.hasSuffix("format_query") && item.status == 200 {
            do {
                let tree = try LogQL.parse(item.query)
                #expect(LogQL.pretty(tree) == item.answer, "\(item)")
                #expect(try LogQL.parse(LogQL.pretty(tree)) == tree)
            } catch {
                Issue.record("\(item): \(error)")
            }
        }
    }

    @Test func selectorEndpoints() {
        for item in RecordedCase.all ?? [] where item.answer == "only label matchers are supported" {
            #expect(throws: LogQLError(plain: item.answer)) { try LogQL.parseSelector(item.query) }
        }
    }
}
