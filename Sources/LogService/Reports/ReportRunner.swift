import AsyncHTTPClient
import Bytes
import Glibc
import LogModel
import LogQL
import LogQuery
import LogShipping
import LogStore

/// `tailrace report`: asks a server, a data directory or files in LogQL, and prints what the answers come to.
package enum ReportRunner {
    /// 0: a report; 1: there is nothing to report on, or too little; 2: trouble.
    package static func run(_ words: ReportWords) async -> CommandOutcome {
        do throws(ReportFailure) {
            guard let format = Format(rawValue: words.output) else {
                throw ReportFailure("--output is one of text, json, csv and html, not \(words.output)")
            }
            let report = try await report(words)
            // A table alone would not say why there is nothing in it.
            let aside = format == .csv ? report.refusal : nil
            if report.tables.isEmpty, let aside { return CommandOutcome(1, aside) }
            let text = try Self.text(report, format, words)
            let out = Output()
            out.buffer.append(text)
            out.flush()
            if let failure = out.failure { throw ReportFailure(failure) }
            return CommandOutcome(report.refusal == nil ? 0 : 1, aside)
        } catch {
            return CommandOutcome(2, error.description)
        }
    }

    private enum Format: String { case text, json, csv, html }

    private static func text(_ report: ReportDocument, _ format: Format, _ words: ReportWords) throws(ReportFailure) -> String {
        switch format {
        case .text: return ReportText.text(report)
        case .json: return ReportJSON.text(report)
        case .html: return ReportHTML.text(report)
        case .csv:
            guard let name = words.table else {
                guard let first = report.tables.first else { throw ReportFailure(report.refusal ?? "the report has no table") }
                return ReportCSV.text(first)
            }
            guard let table = report.tables.first(where: { $0.name == name }) else {
                let names = report.tables.map(\.name).joined(separator: ", ")
                throw ReportFailure(names.isEmpty ? "the report has no table" : "--table is one of \(names), not \(name)")
            }
            return ReportCSV.text(table)
        }
    }

    // MARK: Where to ask

    private static func report(_ words: ReportWords) async throws(ReportFailure) -> ReportDocument {
        guard [words.address != nil, words.store != nil, !words.files.isEmpty].filter({ $0 }).count <= 1 else {
            throw ReportFailure("a server (--addr), a data directory (--store) or files: one of them")
        }
        let selector = try selector(words)
        if !words.files.isEmpty { return try await ofFiles(words, selector) }
        if let directory = words.store {
            let reader: any StoreReader
            do { reader = try OfflineStore.open(directory) } catch {
                throw ReportFailure((error as? StoreError)?.message ?? "\(error)")
            }
            return try await make(words, Self.source(reader, try tenant(words), selector), notes: [])
        }
        let http = HTTPConnector.make()
        let client = QueryClient(
            address: words.address ?? environment("LOKI_ADDR") ?? "http://127.0.0.1:3100",
            tenant: words.tenant ?? environment("LOKI_ORG_ID") ?? "", http: http)
        do throws(ReportFailure) {
            let report = try await make(words, ReportSource(.server(client), selector: selector), notes: [])
            try? await http.shutdown()
            return report
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    private static func ofFiles(_ words: ReportWords, _ selector: String) async throws(ReportFailure) -> ReportDocument {
        let files = try await FileStore.read(words.files)
        var notes: [String] = []
        if files.undated > 0 {
            notes.append("\(files.undated) of \(files.lines) lines carry no time, nor does a line before them: they are left out")
        }
        do throws(ReportFailure) {
            let report = try await make(words, Self.source(files.store, .fake, selector), notes: notes)
            await files.close()
            return report
        } catch {
            await files.close()
            throw error
        }
    }

    private static func source(_ reader: any StoreReader, _ tenant: Tenant, _ selector: String) -> ReportSource {
        var settings = QuerySettings()
        settings.allowAllStreams = true
        return ReportSource(.engine(QueryEngine(store: reader, settings: settings), reader, tenant), selector: selector)
    }

    private static func selector(_ words: ReportWords) throws(ReportFailure) -> String {
        let text = words.selector ?? (words.files.isEmpty ? #"{job="llm-api"}"# : "{}")
        do throws(LogQLError) { _ = try LogQL.parseLog(text, allowEmpty: true) } catch {
            throw ReportFailure("--selector: \(error.message)")
        }
        return text
    }

    private static func tenant(_ words: ReportWords) throws(ReportFailure) -> Tenant {
        let name = words.tenant ?? environment("LOKI_ORG_ID") ?? ""
        guard let tenant = name.isEmpty || name == Tenant.fake.name ? .fake : Tenant(name) else {
            throw ReportFailure("\(name) is no tenant")
        }
        return tenant
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: Making

    private static func make(
        _ words: ReportWords, _ source: ReportSource, notes: [String]
    ) async throws(ReportFailure) -> ReportDocument {
        let request = try ReportRequest.make(words, now: Timestamp.now(), everything: try source.extent())
        var report: ReportDocument
        switch words.kind {
        case .slo: report = try await SLOReport(request, source).make()
        case .cost: report = try await CostReport(request, source).make()
        case .latency: report = try await LatencyReport(request, source).make()
        case .capacity: report = try await CapacityReport(request, source).make()
        case .drift: report = try await DriftReport(request, source).make()
        }
        report.notes += notes + source.warnings
        if source.metErrors { report.notes.append("lines that are no JSON objects are left out") }
        if words.explains { report.queries = source.asked }
        return report
    }
}
