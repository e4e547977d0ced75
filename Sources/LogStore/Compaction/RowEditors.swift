import Bytes
import LogModel

/// Drops what a sieve picks.
final class SieveEditor: RowEditor {
    private let sieve: any RowSieve
    private var span: ClosedRange<Int64>?

    init(_ sieve: any RowSieve) { self.sieve = sieve }

    func begin(_ tenant: Tenant, _ labels: Labels) -> Bool {
        span = sieve.begin(tenant, labels)
        return span != nil
    }

    func verdict(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> RowVerdict {
        guard let span, span.contains(timestamp) else { return .keep }
        return try sieve.picks(timestamp, metadata: metadata, line: line) ? .drop : .keep
    }
}

/// Picks what an editor would not leave as it is.
final class EditorSieve: RowSieve {
    private let editor: any RowEditor

    init(_ editor: any RowEditor) { self.editor = editor }

    func begin(_ tenant: Tenant, _ labels: Labels) -> ClosedRange<Int64>? { editor.begin(tenant, labels) ? .min ... .max : nil }

    func picks(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> Bool {
        if case .keep = try editor.verdict(timestamp, metadata: metadata, line: line) { false } else { true }
    }
}
