import Bytes
import Glibc
import LogModel
import LogPipeline
import LogStore
import Metrics
import Redaction

/// Log files as a store that lives as long as a report: reports ask dozens of questions, and a store answers them from
/// columns instead of reading every line again.
///
/// It lies in a folder of its own below `TMPDIR`, readable by its owner only, is redacted as everything that is stored, and goes
/// away at the end. Memory is bounded by the store's, whatever the files' size.
struct FileStore {
    let directory: String
    let store: LogStore
    /// Lines that carry no time, before the first that does.
    private(set) var undated = 0
    private(set) var lines = 0

    private static let rowsMax = 5_000
    private static let bytesMax = 4 << 20
    /// As `store.memory`, but for one reader and one writer.
    private static let memory = 128 << 20

    private init(directory: String, store: LogStore) {
        self.directory = directory
        self.store = store
    }

    /// Reads the files; `-` is standard input. Lines get the label `filename`.
    static func read(_ paths: [String]) async throws(ReportFailure) -> FileStore {
        ServiceProcess.keepsSecrets()
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/tailrace-report-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ReportFailure("no temporary folder in \(base): \(Output.lastError)") }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var settings = StoreSettings(directory: directory + "/data")
        // Nobody needs it after a crash.
        settings.sync = .off
        settings.scrubPeriod = nil
        settings.verifySeals = false
        settings.memory = memory
        do {
            let store = try LogStore.open(settings, registry: Registry())
            var made = FileStore(directory: directory, store: store)
            do {
                var limits = Limits()
                // Files may be older or newer than this machine's clock.
                limits.creationGracePeriod = 0
                let intake = Intake(limits: limits, redactor: try Redactor(RedactionSettings()))
                for path in paths { try await made.take(path, intake) }
                try await store.flush()
            } catch {
                await made.close()
                throw error
            }
            return made
        } catch let failure as ReportFailure {
            throw failure
        } catch let error as StoreError {
            removeTree(directory)
            throw ReportFailure(error.message)
        } catch {
            throw ReportFailure("\(error)")
        }
    }

    func close() async {
        await store.close()
        Self.removeTree(directory)
    }

    private mutating func take(_ path: String, _ intake: Intake) async throws {
        guard let input = LineInput(path: path) else { throw ReportFailure("cannot read \(path): \(Output.lastError)") }
        let labels = Labels(["filename": path == "-" ? "stdin" : path])
        var clock = LineClock()
        var builder = intake.makeBuilder()
        _ = builder.beginStream(labels)
        var rows = 0
        var bytes = 0
        while true {
            let size: Int? = input.next { line in
                if line.trimmed.isEmpty { return 0 }
                lines += 1
                guard let time = clock.time(of: line) else {
                    undated += 1
                    return 0
                }
                _ = builder.add(timestamp: time, line: line)
                rows += 1
                return line.count
            }
            bytes += size ?? 0
            if rows > 0, size == nil || rows >= Self.rowsMax || bytes >= Self.bytesMax {
                let result = builder.finish()
                if let failure = result.failure { throw ReportFailure(failure) }
                if !result.batch.isEmpty { _ = try await store.append(result.batch) }
                builder = intake.makeBuilder()
                _ = builder.beginStream(labels)
                rows = 0
                bytes = 0
            }
            if size == nil { break }
        }
        if let failure = input.failure { throw ReportFailure("\(path): \(failure)") }
    }

    private static func removeTree(_ path: String) {
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            if entry.pointee.d_type == UInt8(DT_DIR) { removeTree("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }
}
