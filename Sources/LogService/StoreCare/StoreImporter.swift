import AsyncHTTPClient
import Bytes
import LogModel
import LogPipeline
import LogStore
import Metrics

/// The arguments of `tailrace store import` as typed.
package struct ImportWords: Sendable {
    /// Nil or `-`: standard input.
    package var input: String?
    /// Either a data directory or a server.
    package var data: String?
    package var address: String?
    package var configuration: String?
    package var expandsEnvironment: Bool
    /// For rows that name no tenant, and in place of those that do.
    package var tenant: String?

    package init(
        input: String? = nil, data: String? = nil, address: String? = nil, configuration: String? = nil,
        expandsEnvironment: Bool = false, tenant: String? = nil
    ) {
        self.input = input
        self.data = data
        self.address = address
        self.configuration = configuration
        self.expandsEnvironment = expandsEnvironment
        self.tenant = tenant
    }
}

/// Where an import puts its rows. One after the other.
protocol ImportDestination {
    /// Takes rows of one tenant. Throws `CommandFailure` where it makes no sense to go on.
    mutating func take(_ batch: ImportBatch) async throws -> ImportTally
    /// Whether it tells rows that it had from new ones.
    static var tellsKnown: Bool { get }
}

/// Rows of one tenant, in order.
struct ImportBatch {
    var tenant: Tenant
    var rows: [ReadRow] = []
    /// Of lines.
    var bytes = 0
}

struct ImportTally {
    var stored = 0
    /// Stored before.
    var known = 0
    var refused = 0
    /// Why rows were refused, in words.
    var reasons: [String] = []

    static func += (a: inout ImportTally, b: ImportTally) {
        a.stored += b.stored
        a.known += b.known
        a.refused += b.refused
        for reason in b.reasons where a.reasons.count < 20 && !a.reasons.contains(reason) { a.reasons.append(reason) }
    }
}

/// In words for standard error, exit status 2.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String
}

extension StoreCare {
    private static let rowsMax = 5_000
    private static let bytesMax = 4 << 20

    /// `store import`. A row that is stored already – equal in stream, time, line and metadata – is not stored again.
    package static func importRows(_ words: ImportWords) async -> CommandOutcome {
        guard (words.data == nil) != (words.address == nil) else {
            return CommandOutcome(2, "import into what? Give either --data DIR or --addr URL")
        }
        var tenant: Tenant?
        if let name = words.tenant {
            guard let named = Tenant(name) else { return CommandOutcome(2, "--tenant: `\(name)` is no tenant") }
            tenant = named
        }
        guard let input = LineInput(path: words.input) else {
            return CommandOutcome(2, "cannot read \(words.input ?? "-"): \(Output.lastError)")
        }
        if let address = words.address {
            let http = PushDestination.makeClient()
            var destination = PushDestination(address: address, http: http)
            let outcome = await copy(input, tenant, into: &destination)
            try? await http.shutdown()
            return outcome
        }
        do throws(Service.Failure) {
            let plan = try ServicePlan.make(
                ServiceOptions(
                    roles: [], configuration: words.configuration, data: words.data,
                    expandsEnvironment: words.expandsEnvironment))
            let registry = Registry()
            let redactor = try Service.redactor(plan)
            let store = try Service.openStore(plan.store, registry) { StandardErrorText.write("tailrace: \($0)") }
            let intake = Service.intake(plan, redactor, registry) { StandardErrorText.write("tailrace: \($0)") }
            var destination = StoreImport(store: store, intake: intake)
            let outcome = await copy(input, tenant, into: &destination)
            await store.close()
            return outcome
        } catch {
            return CommandOutcome(error.status, error.message.dropped("tailrace: "))
        }
    }

    private static func copy<Place: ImportDestination>(
        _ input: LineInput, _ tenant: Tenant?, into destination: inout Place
    ) async -> CommandOutcome {
        func words(_ tally: ImportTally) -> String {
            (Place.tellsKnown ? "\(tally.stored) rows stored, \(tally.known) were stored already" : "\(tally.stored) rows taken")
                + (tally.refused > 0 ? ", \(tally.refused) refused" : "")
        }
        var cursor = JSONCursor(capacity: 256)
        var batch = ImportBatch(tenant: tenant ?? .fake)
        var tally = ImportTally()
        var number = 0
        do {
            while true {
                let row: Result<ReadRow, DecodeError>?? = input.next { line in
                    if line.trimmed.isEmpty { return nil }
                    do throws(DecodeError) { return .success(try ExportFormat.read(line, &cursor)) } catch { return .failure(error) }
                }
                guard let row else { break }
                number += 1
                switch row {
                case nil: continue
                case .failure(let error)?:
                    tally += ImportTally(refused: 1, reasons: ["line \(number): \(error.message)"])
                case .success(let row)?:
                    let owner = tenant ?? row.tenant ?? .fake
                    if owner != batch.tenant || batch.rows.count >= rowsMax || batch.bytes >= bytesMax {
                        if !batch.rows.isEmpty { tally += try await destination.take(batch) }
                        batch = ImportBatch(tenant: owner)
                    }
                    batch.bytes += row.line.count
                    batch.rows.append(row)
                }
            }
            if !batch.rows.isEmpty { tally += try await destination.take(batch) }
        } catch let error as CommandFailure {
            return CommandOutcome(2, "\(error); \(words(tally)) before")
        } catch {
            return CommandOutcome(2, "\(error)")
        }
        if let failure = input.failure { return CommandOutcome(2, "\(failure); \(words(tally)) before") }
        let reasons = tally.reasons.map { "\($0)\ntailrace: " }.joined()
        return CommandOutcome(tally.refused > 0 ? 1 : 0, reasons + words(tally))
    }
}

extension String {
    fileprivate func dropped(_ prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}

/// Into a data directory, past the same gate as every other way in (redaction included).
struct StoreImport: ImportDestination {
    static let tellsKnown = true
    let store: LogStore
    let intake: Intake

    mutating func take(_ batch: ImportBatch) async throws -> ImportTally {
        let builder = intake.makeBuilder(tenant: batch.tenant)
        var current: Labels?
        for row in batch.rows {
            if row.labels != current {
                builder.beginStream(row.labels)
                current = row.labels
            }
            _ = row.line.withView { builder.add(timestamp: row.timestamp, line: $0, metadata: row.metadata) }
        }
        var result = builder.finish()
        if let failure = result.failure { throw CommandFailure(description: failure) }
        var tally = ImportTally(refused: result.rejectedLines, reasons: result.messages)
        result.batch.deduplicates = true
        guard !result.batch.isEmpty else { return tally }
        do throws(StoreError) {
            let receipt = try await store.append(result.batch)
            tally.stored = receipt.stored
            tally.known = receipt.duplicates
        } catch { throw CommandFailure(description: error.message) }
        return tally
    }
}
