import AsyncHTTPClient
import Bytes
import LogModel
import LogShipping
import LogStore
import Metrics
import NIOCore
import NIOHTTP1

extension StoreCare {
    /// Which store a verb is about, and how it is configured when nobody has it open.
    package struct Target: Sendable {
        package var directory: String?
        package var address: String?
        package var configuration: String?
        package var expandsEnvironment: Bool

        package init(
            directory: String? = nil, address: String? = nil, configuration: String? = nil, expandsEnvironment: Bool = false
        ) {
            self.directory = directory
            self.address = address
            self.configuration = configuration
            self.expandsEnvironment = expandsEnvironment
        }

        var options: ServiceOptions {
            ServiceOptions(
                roles: [], configuration: configuration, data: directory, expandsEnvironment: expandsEnvironment)
        }
    }

    /// `store compact`: merges to a fixed point, in a server or, where none runs, here.
    package static func compact(_ target: Target) async -> CommandOutcome {
        if let address = target.address {
            do throws(CommandFailure) {
                _ = try await ask(address, "POST", "/tailrace/api/v1/compact")
                return CommandOutcome(0)
            } catch { return CommandOutcome(2, error.description) }
        }
        do throws(Service.Failure) {
            let plan = try ServicePlan.make(target.options)
            let store = try Service.openStore(plan.store, Registry()) { StandardErrorText.write("tailrace: \($0)") }
            store.deletePhysically(by: QueryJudge(plan))
            let before = store.parts.segments
            do throws(StoreError) {
                // What a crash left in the log is merged along.
                try await store.flush()
                try await store.compact()
            } catch {
                await store.close()
                return CommandOutcome(2, error.message)
            }
            let after = store.parts.segments
            await store.close()
            return CommandOutcome(0, "segments: \(before) before, \(after) now")
        } catch {
            return CommandOutcome(error.status, error.message)
        }
    }

    /// `store snapshot`: prints where it lies. Works on the files, whether a server has them open or not; `--addr` asks
    /// the server, which chooses the place.
    package static func snapshot(directory: String?, address: String?, target: String?) async -> CommandOutcome {
        if let address {
            guard target == nil else { return CommandOutcome(2, "a server chooses itself where its snapshot lies: leave TARGET away") }
            do throws(CommandFailure) {
                let answer = try await ask(address, "POST", "/tailrace/api/v1/snapshot")
                var cursor = JSONCursor(capacity: 64)
                do { try cursor.scan(answer.view) } catch { throw CommandFailure(description: "\(address) answered with no JSON") }
                let document = JSONDocument(cursor: cursor, text: answer.view)
                guard let path = document.member("path", of: 0) else {
                    throw CommandFailure(description: "\(address) does not say where the snapshot lies")
                }
                return printed(document.text(path).string + "\n")
            } catch { return CommandOutcome(2, error.description) }
        }
        guard let directory else { return CommandOutcome(2, "which data directory? Give it with --data, or a server with --addr") }
        guard let target else { return CommandOutcome(2, "where to? Give the directory to make") }
        do throws(StoreError) {
            let made = try StoreSnapshot.make(of: directory, at: target)
            return printed("\(made.path)\n", "\(made.segments) segments, \(made.segmentBytes) bytes; \(made.copiedBytes) bytes were copied")
        } catch { return CommandOutcome(2, error.message) }
    }

    static func printed(_ text: String, _ note: String? = nil) -> CommandOutcome {
        let output = Output()
        output.buffer.append(text)
        output.flush()
        if let failure = output.failure { return CommandOutcome(2, failure) }
        return CommandOutcome(0, note)
    }

    /// One request, small answer.
    static func ask(
        _ address: String, _ method: String, _ path: String, tenant: String? = nil
    ) async throws(CommandFailure) -> OwnedBytes {
        let http = HTTPConnector.make()
        let url = ServerAddress.url(address)
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "User-Agent", value: "tailrace-cli")
        if let tenant { request.headers.add(name: "X-Scope-OrgID", value: tenant) }
        let result: Result<OwnedBytes, CommandFailure>
        do {
            // A merge of everything takes its time.
            let response = try await http.execute(request, timeout: .hours(6))
            let body = try await response.body.collect(upTo: 1 << 20)
            let bytes = body.withUnsafeReadableBytes { OwnedBytes(ByteView(unsafe: $0)) }
            if (200..<300).contains(response.status.code) {
                result = .success(bytes)
            } else {
                let words = bytes.view.trimmed.string
                result = .failure(CommandFailure(description: words.isEmpty ? "\(url) answered \(response.status.code)" : words))
            }
        } catch {
            result = .failure(CommandFailure(description: HTTPConnector.words(error, origin: Destination.origin(of: url))))
        }
        try? await http.shutdown()
        return try result.get()
    }
}
