import Bytes
import LogModel
import LogQuery
import LogStore
import Metrics
import Redaction

/// The arguments of `tailrace audit` as typed.
package struct AuditWords: Sendable {
    package var directory: String?
    package var configuration: String?
    package var expandsEnvironment: Bool
    package var selector: String?
    package var tenant: String?
    package var from: String?
    package var to: String?
    package var json: Bool
    package var fixes: Bool

    package init(
        directory: String?, configuration: String? = nil, expandsEnvironment: Bool = false, selector: String? = nil, tenant: String? = nil,
        from: String? = nil, to: String? = nil, json: Bool = false, fixes: Bool = false
    ) {
        self.directory = directory
        self.configuration = configuration
        self.expandsEnvironment = expandsEnvironment
        self.selector = selector
        self.tenant = tenant
        self.from = from
        self.to = to
        self.json = json
        self.fixes = fixes
    }
}

/// `tailrace audit`: what today's rules would have caught of what is stored, and with `--fix` what they would have made of it, in its
/// place.
package enum AuditRunner {
    /// Exit status: 0 nothing is found (any more), 1 something is, or parts cannot be read, 2 it could not be done.
    package static func run(_ words: AuditWords) async -> CommandOutcome {
        do throws(Service.Failure) {
            let plan = try ServicePlan.make(
                ServiceOptions(
                    roles: [], configuration: words.configuration, data: words.directory, expandsEnvironment: words.expandsEnvironment))
            guard let settings = plan.redaction ?? (words.configuration == nil ? RedactionSettings() : nil) else {
                return CommandOutcome(2, "\(words.configuration ?? "the configuration") has no `redaction:` block, so there are no rules to audit by")
            }
            let redactor: Redactor
            do throws(RedactionError) { redactor = try Redactor(settings) } catch { return CommandOutcome(2, "\(error)") }
            ServiceProcess.keepsSecrets()
            return words.fixes ? await fix(words, plan, redactor) : report(words, plan.store.directory, redactor, fixed: nil)
        } catch { return CommandOutcome(error.status, error.message) }
    }

    // MARK: Looking

    /// Reads beside a running server.
    private static func report(_ words: AuditWords, _ directory: String, _ redactor: Redactor, fixed: EditTally?) -> CommandOutcome {
        let tally: AuditTally
        do { tally = try look(words, directory, redactor) } catch let error as StoreCare.Early {
            return error.outcome
        } catch { return CommandOutcome(2, "\(error)") }
        let output = Output()
        if words.json { AuditReport.json(tally, fixed, into: output.buffer) } else { output.buffer.append(AuditReport.text(tally, fixed)) }
        output.flush()
        if let failure = output.failure { return CommandOutcome(2, failure) }
        return CommandOutcome(tally.isClean && tally.damaged.isEmpty && fixed?.unreadable.isEmpty != false ? 0 : 1)
    }

    /// O(bytes stored) time, memory of one row group.
    private static func look(_ words: AuditWords, _ directory: String, _ redactor: Redactor) throws -> AuditTally {
        let span = try StoreCare.range(from: words.from, to: words.to).get()
        let tenant = try words.tenant.map { name throws in
            guard let tenant = Tenant(name) else { throw StoreCare.Early(outcome: CommandOutcome(2, "--org-id: `\(name)` is no tenant")) }
            return tenant
        }
        let view = try StoreView.open(directory)
        var tally = AuditTally(redactor)
        let editor = try RedactionEditor(redactor)
        var current: (tenant: Tenant, labels: Labels)?
        var shown = Labels()
        var ofStream: [Int] = []
        let export = StoreExport(
            view, tenant: tenant, range: span, wanted: try words.selector.map { try StoreCare.wanted($0, view, tenant) },
            hidden: try StoreCare.hidden(view))
        let outcome = try export.run { row in
            if current?.labels != row.labels || current?.tenant != row.tenant {
                current = (row.tenant, row.labels)
                _ = editor.begin(row.tenant, row.labels)
                shown =
                    switch editor.redacted(row.labels) {
                    case .clean: row.labels
                    case .changed(let labels): labels
                    case .dropped, .unscanned: Labels(row.labels.pairs.map { Label($0.name, ByteString(ByteView(Redactor.placeholder))) })
                    }
                _ = editor.takeFindings()
                _ = editor.redacted(row.labels)
                ofStream = editor.takeFindings()
            }
            tally.rows += 1
            tally.bytes += row.line.count
            _ = editor.edit(metadata: row.metadata, line: row.line)
            var found = editor.takeFindings()
            for index in found.indices { found[index] += ofStream[index] }
            if found.contains(where: { $0 > 0 }) { tally.add(found, tenant: row.tenant, labels: shown, timestamp: row.timestamp) }
            return true
        }
        tally.unscanned = editor.unscanned
        tally.damaged = outcome.damaged
        tally.rowsLost = outcome.lost
        return tally
    }

    // MARK: Mending

    private static func fix(_ words: AuditWords, _ plan: ServicePlan, _ redactor: Redactor) async -> CommandOutcome {
        guard words.selector == nil, words.tenant == nil, words.from == nil, words.to == nil else {
            return CommandOutcome(2, "--fix mends all that is stored: leave --selector, --org-id, --from and --to away")
        }
        guard redactor.settings.mode != .detect else {
            return CommandOutcome(2, "with `mode: detect` nothing is changed, so there is nothing to fix")
        }
        do throws(Service.Failure) {
            let store = try Service.openStore(plan.store, Registry()) { StandardErrorText.write("tailrace: \($0)") }
            var outcome: CommandOutcome
            do {
                try await store.flush()
                try await moveStreams(of: store, in: plan.store.directory, redactor)
                let tally = try await store.edit { try RedactionEditor(redactor) }
                await store.close()
                outcome = report(words, plan.store.directory, redactor, fixed: tally)
            } catch {
                await store.close()
                outcome = CommandOutcome(2, "\(error)")
            }
            return outcome
        } catch { return CommandOutcome(error.status, error.message) }
    }

    private static let rowsMax = 200_000
    private static let bytesMax = 64 << 20

    /// Stores the rows of streams whose labels must not be seen once more, under those that may. What is stored there already, by a pass
    /// that was cut off, is not stored again.
    private static func moveStreams(of store: LogStore, in directory: String, _ redactor: Redactor) async throws {
        let view = try StoreView.open(directory)
        let editor = try RedactionEditor(redactor)
        let moved = MovedSieve(editor)
        // The walk cannot wait for the store: rows are gathered, and taken up again behind the last of them.
        var done = 0
        while true {
            var batch: WriteBatch?
            var skipped = 0
            var current: Labels?
            var target: Labels?
            _ = try StoreExport(view, wanted: moved).run { row in
                skipped += 1
                if skipped <= done { return true }
                if current != row.labels {
                    current = row.labels
                    target = if case .changed(let labels) = editor.redacted(row.labels) { labels } else { nil }
                }
                if let target {
                    if let tenant = batch?.tenant, tenant != row.tenant {
                        skipped -= 1
                        return false
                    }
                    add(row, to: &batch, target, editor)
                }
                return (batch?.rows.count ?? 0) < rowsMax && (batch?.bytes.count ?? 0) < bytesMax
            }
            done = skipped
            guard var batch, !batch.rows.isEmpty else { return }
            batch.deduplicates = true
            _ = try await store.append(batch)
        }
    }

    private static func add(_ row: StoreExport.Row, to batch: inout WriteBatch?, _ labels: Labels, _ editor: RedactionEditor) {
        var made = batch ?? WriteBatch(tenant: row.tenant)
        batch = nil
        defer { batch = made }
        let stream = made.stream(labels)
        switch editor.edit(metadata: row.metadata, line: row.line) {
        case .keep: made.add(timestamp: row.timestamp, stream: stream, metadata: made.metadataSet(row.metadata), line: row.line)
        case .drop: break
        case .change(let line, let metadata):
            let set = made.metadataSet(metadata ?? row.metadata)
            made.add(timestamp: row.timestamp, stream: stream, metadata: set, line: line?.view ?? row.line)
        }
    }
}

/// Picks all rows of streams whose labels must not be seen.
private final class MovedSieve: RowSieve {
    private let editor: RedactionEditor
    init(_ editor: RedactionEditor) { self.editor = editor }

    func begin(_ tenant: Tenant, _ labels: Labels) -> ClosedRange<Int64>? { editor.movesStream(labels) ? .min ... .max : nil }
    func picks(_ timestamp: Int64, metadata: Labels, line: ByteView) -> Bool { true }
}
