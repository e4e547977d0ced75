import Bytes
import Glibc
import LogModel

/// Histograms of lengths by model, of a time: what drift is measured against. Kept as JSON.
struct LengthBaseline: Equatable {
    enum Length: String, CaseIterable { case prompt, completion }

    var from: Timestamp
    var to: Timestamp
    var buckets: LengthBuckets
    /// Counts by bucket, one more than there are edges.
    var models: [String: [Length: [Int]]] = [:]

    /// Some thousand models.
    static let sizeMax = 4 << 20
    private static let version = "1"

    init(from: Timestamp, to: Timestamp, buckets: LengthBuckets) {
        self.from = from
        self.to = to
        self.buckets = buckets
    }

    func requests(of model: String) -> Int {
        Length.allCases.map { (models[model]?[$0] ?? []).reduce(0, +) }.max() ?? 0
    }

    // MARK: As JSON

    var text: String {
        let out = ByteArena(capacity: 4 << 10)
        out.append("{\"tailrace_baseline\":\(Self.version),\"from\":\"\(from.nanoseconds)\",\"to\":\"\(to.nanoseconds)\",\"edges\":\(buckets.edges),\n \"models\":{")
        for (i, (model, lengths)) in models.sorted(by: { $0.key < $1.key }).enumerated() {
            out.append(i > 0 ? ",\n  " : "\n  ")
            ReportJSON.string(model, out)
            out.append(":{")
            for (j, length) in Length.allCases.filter({ lengths[$0] != nil }).enumerated() {
                if j > 0 { out.append(",") }
                out.append("\"\(length.rawValue)\":\(lengths[length] ?? [])")
            }
            out.append("}")
        }
        out.append("}}\n")
        return out.view.string
    }

    /// Written beside the file and moved over it, so that there is a whole one at any time.
    func save(_ path: String) throws(ReportFailure) {
        let draft = "\(path).\(getpid()).tmp"
        guard let out = Output(path: draft) else { throw ReportFailure("cannot write \(path): \(Output.lastError)") }
        out.buffer.append(text)
        guard out.sync() else {
            unlink(draft)
            throw ReportFailure("\(path): \(out.failure ?? "cannot be written")")
        }
        guard rename(draft, path) == 0 else {
            let why = Output.lastError
            unlink(draft)
            throw ReportFailure("cannot write \(path): \(why)")
        }
    }

    static func parse(_ bytes: [UInt8], file: String) throws(ReportFailure) -> LengthBaseline {
        let text = OwnedBytes(bytes)
        var cursor = JSONCursor(capacity: 4096)
        do { try cursor.scan(text.view) } catch { throw ReportFailure("\(file): no JSON: \(error)") }
        let document = JSONDocument(cursor: cursor, text: text.view)
        func member(_ key: String, _ of: Int) -> String? { document.member(key, of: of).map { document.text($0).string } }
        guard member("tailrace_baseline", 0) == version, let from = member("from", 0).flatMap({ Int64($0) }),
            let to = member("to", 0).flatMap({ Int64($0) }), let list = document.member("edges", of: 0),
            let entries = document.member("models", of: 0)
        else { throw ReportFailure("\(file): no baseline of this version: --save-baseline writes one") }
        func numbers(_ token: Int) -> [Int] { document.items(of: token).compactMap { Int(document.text($0).string) } }
        let edges = numbers(list)
        guard (1...64).contains(edges.count), zip(edges, edges.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw ReportFailure("\(file): its edges do not ascend")
        }
        var made = LengthBaseline(
            from: Timestamp(nanoseconds: from), to: Timestamp(nanoseconds: to), buckets: LengthBuckets(edges: edges))
        for (model, token) in document.members(of: entries) {
            for length in Length.allCases {
                guard let counts = document.member(length.rawValue, of: token).map(numbers) else { continue }
                // Sums of counts must not overflow.
                guard counts.count == edges.count + 1, counts.allSatisfy({ (0...1 << 48).contains($0) }) else {
                    throw ReportFailure("\(file): the counts of \(model) do not fit the edges")
                }
                made.models[model, default: [:]][length] = counts
            }
        }
        return made
    }
}

extension JSONDocument {
    /// Keys and values of an object; none of anything else.
    func members(of object: Int) -> [(key: String, value: Int)] {
        guard object < cursor.count, cursor[object].type == .object else { return [] }
        var found: [(String, Int)] = []
        var at = object + 1
        while at < cursor[object].next {
            found.append((text(at).string, at + 1))
            at = cursor[at + 1].next
        }
        return found
    }
}
