import Bytes
import Testing

/// Which codec the stores of a test pack with.
enum TestCodec {
    @TaskLocal static var current = Codec.zstd
}

/// Runs each test of a suite under both complete codecs: whatever holds for zstd holds for zlib.
struct EachCodec: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    @concurrent func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        for codec in [Codec.zstd, .zlib] { try await TestCodec.$current.withValue(codec) { try await function() } }
    }
}

extension Trait where Self == EachCodec {
    static var eachCodec: EachCodec { EachCodec() }
}
