import Bytes
import Glibc
import Testing

@testable import LogQL

/// Whoever parses, prints or walks a query may stand on a small stack: the limits on nesting and height must hold there.
@Suite struct StackTests {
    /// The deepest texts that the limits let through.
    static let deepest: [(name: String, text: String)] = {
        func nest(_ open: String, _ inner: String, _ close: String, _ count: Int) -> String {
            String(repeating: open, count: count) + inner + String(repeating: close, count: count)
        }
        let count = #"count_over_time({a="x"}[1m])"#
        let deep = LogQL.nestingMax - 1
        return [
            ("functions", nest("sum(", count, ")", deep)),
            ("functions with groups", nest("max by (a, b) (", count, ")", deep)),
            ("label_replace", nest("label_replace(", "vector(1)", #","d","$1","s","(.*)")"#, deep)),
            ("parentheses", nest("(", count, ")", deep)),
            ("right operands", nest("1 + (", "vector(1)", ")", deep / 2)),
            ("powers", String(repeating: "vector(2) ^ ", count: deep) + "vector(2)"),
            ("chains", String(repeating: "vector(1) + ", count: LogQL.heightMax - 1) + "vector(1)"),
            ("label filters", #"{a="x"} | "# + nest("(", "a=1", ")", deep)),
            ("mixed label filters", #"{a="x"} | "# + nest("b=1 or (c=2 and ", "a=1", ")", deep)),
            ("ranges", "rate(" + nest("(", #"{a="x"}[1m]"#, ")", deep) + ")"),
        ]
    }()

    @Test(arguments: deepest.map(\.name)) func theDeepestQueryFitsOnASmallStack(_ name: String) throws {
        let text = try #require(Self.deepest.first { $0.name == name }?.text)
        // Chains may be eight times as high as parentheses are deep.
        let done = try onStack(of: name == "chains" ? 2 << 20 : 512 << 10) {
            guard let tree = try? LogQL.parse(text) else { return false }
            return !tree.description.isEmpty && !LogQL.pretty(tree).isEmpty
                && !tree.logExpressions.map(\.description).contains("")
        }
        #expect(done)
    }

    @Test func oneLevelMoreIsRefused() {
        for open in ["sum(", "(", "1 + ("] {
            let text =
                String(repeating: open, count: LogQL.nestingMax + 1) + "vector(1)"
                + String(repeating: ")", count: LogQL.nestingMax + 1)
            #expect {
                try LogQL.parse(text)
            } throws: {
                ($0 as? LogQLError)?.message.contains("nested more than \(LogQL.nestingMax) levels deep") == true
            }
        }
    }

    /// Runs `body` on a thread with that much stack. Overflowing it would end the process, which is the point.
    private func onStack(of bytes: Int, _ body: @escaping @Sendable () -> Bool) throws -> Bool {
        final class Work: Sendable {
            let body: @Sendable () -> Bool
            init(_ body: @escaping @Sendable () -> Bool) { self.body = body }
        }
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        pthread_attr_init(attributes)
        defer {
            pthread_attr_destroy(attributes)
            attributes.deallocate()
        }
        try #require(pthread_attr_setstacksize(attributes, bytes) == 0)
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            attributes,
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                return UnsafeMutableRawPointer(bitPattern: work.body() ? 1 : 2)
            },
            Unmanaged.passRetained(Work(body)).toOpaque()
        )
        try #require(status == 0)
        var result: UnsafeMutableRawPointer?
        pthread_join(thread, &result)
        return result == UnsafeMutableRawPointer(bitPattern: 1)
    }
}
