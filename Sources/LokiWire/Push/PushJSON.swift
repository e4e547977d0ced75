import Bytes
import LogModel

/// Decodes `{"streams":[{"stream":{"app":"api"},"values":[["ts","line",{"k":"v"}]]}]}` and the older
/// `{"streams":[{"labels":"{…}","entries":[{"ts":"…","line":"…"}]}]}`.
///
/// Strict where Loki is: times, lines and metadata values are JSON strings. Tolerant where it is: unknown keys, `null`
/// values, labels that are not strings, an entry without a line.
struct PushJSON {
    let limits: PushLimits
    let streamCache: LabelCache
    let textCache: LabelCache

    /// Strings whose escapes are resolved; reset for each entry.
    let scratch = ByteArena(capacity: 4_096)
    private var pairs: [MetadataPair] = []
    private var rawPairs: [(name: RawString, value: RawString)] = []
    private(set) var streams = 0
    private(set) var entries = 0

    init(limits: PushLimits, streamCache: LabelCache, textCache: LabelCache) {
        self.limits = limits
        self.streamCache = streamCache
        self.textCache = textCache
    }

    /// A fault, or an error that has its words already.
    private enum Stop: Error {
        case fault(JSONFault)
        case push(PushError)
    }

    mutating func decode<Sink: PushSink>(_ body: ByteView, into sink: inout Sink) throws(PushError) {
        var pull = JSONPull(body)
        pull.skipSpace()
        if pull.at == body.count { throw PushError(.malformed, "EOF") }
        do throws(Stop) {
            try document(&pull, into: &sink)
        } catch {
            switch error {
            case .push(let error): throw error
            case .fault(let fault):
                throw Self.error("loghttp.PushRequest", fault.text, body, head: min(pull.at, body.count))
            }
        }
    }

    private mutating func document<Sink: PushSink>(_ pull: inout JSONPull, into sink: inout Sink) throws(Stop) {
        let body = pull.text
        guard try next(&pull) == 0x7B else {
            throw .push(
                Self.error(
                    "loghttp.PushRequest", "readObjectStart: expect { or n, but found \(body[pull.at..<pull.at + 1])", body,
                    head: pull.at + 1))
        }
        var more = try plain { () throws(JSONFault) in try pull.enter(0x7B, 0x7D, or: .object) }
        while more {
            let key = try plain { () throws(JSONFault) in try pull.key() }
            if key.equals("streams") {
                try list(&pull, into: &sink)
            } else {
                try plain { () throws(JSONFault) in _ = try pull.skipValue() }
            }
            more = try plain { () throws(JSONFault) in try pull.more(until: 0x7D, or: .object) }
        }
        pull.skipSpace()
        // Loki reads the first value and drops the rest; lines that are dropped in silence are worse than a refusal.
        guard pull.at == body.count else {
            throw .push(Self.error("loghttp.PushRequest", "bytes behind the end of the object", body, head: pull.at))
        }
    }

    private mutating func list<Sink: PushSink>(_ pull: inout JSONPull, into sink: inout Sink) throws(Stop) {
        let body = pull.text
        let path = "loghttp.PushRequest.Streams: []loghttp.LogProtoStream"
        switch try next(&pull) {
        case 0x6E:
            try plain { () throws(JSONFault) in _ = try pull.skipValue() }
            return
        case 0x5B: break
        default:
            throw .push(
                Self.error(
                    path, "decode slice: expect [ or n, but found \(body[pull.at..<pull.at + 1])", body, head: pull.at + 1))
        }
        var more = try plain { () throws(JSONFault) in try pull.enter(0x5B, 0x5D, or: .array) }
        while more {
            let start = pull.at
            do throws(Stop) {
                try stream(&pull, into: &sink)
            } catch {
                guard case .fault(let fault) = error else { throw error }
                // Loki cuts the whole stream out before it looks inside: the head of its message is the stream's end.
                var whole = JSONPull(body, at: start)
                let head = (try? whole.skipValue()) == nil ? pull.at : whole.at
                throw .push(Self.error("\(path): unmarshalerDecoder", fault.text, body, head: min(head, body.count)))
            }
            more = try plain { () throws(JSONFault) in try pull.more(until: 0x5D, or: .array) }
        }
    }

    private func next(_ pull: inout JSONPull) throws(Stop) -> UInt8 {
        try plain { () throws(JSONFault) in try pull.peek() }
    }

    private func plain<R>(_ body: () throws(JSONFault) -> R) throws(Stop) -> R {
        do throws(JSONFault) { return try body() } catch { throw .fault(error) }
    }

    private func push<R>(_ body: () throws(PushError) -> R) throws(Stop) -> R {
        do throws(PushError) { return try body() } catch { throw .push(error) }
    }

    // MARK: A stream

    private mutating func stream<Sink: PushSink>(_ pull: inout JSONPull, into sink: inout Sink) throws(Stop) {
        streams += 1
        guard streams <= limits.streamsMax else {
            throw .push(PushError(.tooLarge, "more than \(limits.streamsMax) streams in one push: split it"))
        }
        // Values may stand before the labels; then they are passed over and read afterwards.
        var labels: Labels?
        var late: [(at: Int, legacy: Bool)] = []
        var more = try plain { () throws(JSONFault) in try pull.enter(0x7B, 0x7D, or: .object) }
        while more {
            let key = try plain { () throws(JSONFault) in try pull.key() }
            if key.equals("stream") {
                labels = try streamLabels(&pull)
            } else if key.equals("labels"), try next(&pull) == 0x22 {
                labels = try labelText(&pull)
            } else if key.equals("values") || key.equals("entries") {
                let legacy = key.equals("entries")
                if let known = labels {
                    try push { () throws(PushError) in try sink.begin(stream: known) }
                    try values(&pull, legacy: legacy, into: &sink)
                } else if late.count < 2 {
                    try plain { () throws(JSONFault) in _ = try pull.peek() }
                    late.append((pull.at, legacy))
                    try plain { () throws(JSONFault) in _ = try pull.skipValue() }
                } else {
                    throw .fault(.object)
                }
            } else {
                try plain { () throws(JSONFault) in _ = try pull.skipValue() }
            }
            more = try plain { () throws(JSONFault) in try pull.more(until: 0x7D, or: .object) }
        }
        for (at, legacy) in late {
            try push { () throws(PushError) in try sink.begin(stream: labels ?? Labels()) }
            var again = JSONPull(pull.text, at: at)
            try values(&again, legacy: legacy, into: &sink)
        }
    }

    private mutating func streamLabels(_ pull: inout JSONPull) throws(Stop) -> Labels {
        if try next(&pull) == 0x6E {
            try plain { () throws(JSONFault) in _ = try pull.skipValue() }
            return Labels()
        }
        let raw = try plain { () throws(JSONFault) in try pull.skipValue() }
        guard raw.first == 0x7B else { throw .fault(.object) }
        guard raw.count <= limits.labelTextMax else {
            throw .push(PushError(.malformed, "labels of one stream take \(raw.count) bytes, limit \(limits.labelTextMax)"))
        }
        return try streamCache.labels(raw) { text throws(Stop) in
            var pull = JSONPull(text)
            var pairs: [Label] = []
            var good = true
            var more = try plain { () throws(JSONFault) in try pull.enter(0x7B, 0x7D, or: .object) }
            while more {
                let label = try plain { () throws(JSONFault) in
                    let name = try pull.key().decoded()
                    // Anything but a string is taken as it is written, as Loki does.
                    let value = try pull.peek() == 0x22 ? try pull.string().decoded() : ByteString(try pull.skipValue())
                    return Label(name, value)
                }
                good = good && label.name.withView(LabelText.isName)
                pairs.append(label)
                guard pairs.count <= limits.pairsMax else {
                    throw .push(PushError(.malformed, "more than \(limits.pairsMax) labels in one stream"))
                }
                more = try plain { () throws(JSONFault) in try pull.more(until: 0x7D, or: .object) }
            }
            let labels = Labels(pairs)
            if good { return labels }
            // A bad name: the error is the one that the text of these labels gives.
            let out = ByteArena()
            LabelText.write(labels, into: out)
            return try push { () throws(PushError) in try PushDecoder.labels(out.view, limits) }
        }
    }

    private func labelText(_ pull: inout JSONPull) throws(Stop) -> Labels {
        let text = try plain { () throws(JSONFault) in try pull.string().decoded() }
        return try push { () throws(PushError) in
            try text.withView { view throws(PushError) in
                try textCache.labels(view) { view throws(PushError) in try PushDecoder.labels(view, limits) }
            }
        }
    }

    // MARK: Entries

    private mutating func values<Sink: PushSink>(
        _ pull: inout JSONPull, legacy: Bool, into sink: inout Sink
    ) throws(Stop) {
        if try next(&pull) == 0x6E {
            try plain { () throws(JSONFault) in _ = try pull.skipValue() }
            return
        }
        do throws(JSONFault) {
            var more = try pull.enter(0x5B, 0x5D, or: .array)
            while more {
                let timestamp: Int64
                let line: RawString
                rawPairs.removeAll(keepingCapacity: true)
                if legacy {
                    (timestamp, line) = try legacyEntry(&pull)
                } else {
                    (timestamp, line) = try entry(&pull)
                }
                entries += 1
                if let error = try deliver(timestamp, line, into: &sink) { throw error }
                more = try pull.more(until: 0x5D, or: .array)
            }
        } catch {
            if let refusal {
                self.refusal = nil
                throw .push(refusal)
            }
            throw .fault(error)
        }
    }

    /// Set beside a thrown fault where the fault stands for an error with its own words.
    private var refusal: PushError?

    private mutating func refuse(_ error: PushError) -> JSONFault {
        refusal = error
        return .value
    }

    /// Hands the entry on; a fault where it, or the sink, refuses.
    private mutating func deliver<Sink: PushSink>(
        _ timestamp: Int64, _ line: RawString, into sink: inout Sink
    ) throws(JSONFault) -> JSONFault? {
        guard entries <= limits.entriesMax else {
            return refuse(PushError(.tooLarge, "more than \(limits.entriesMax) entries in one push: split it"))
        }
        scratch.reset()
        var room = line.isEscaped ? line.raw.count : 0
        for pair in rawPairs { room += pair.name.raw.count + pair.value.raw.count }
        scratch.reserve(room)
        let text = try line.view(scratch: scratch)
        pairs.removeAll(keepingCapacity: true)
        for pair in rawPairs {
            pairs.append(
                MetadataPair(name: try pair.name.view(scratch: scratch), value: try pair.value.view(scratch: scratch)))
        }
        do {
            try sink.entry(timestamp: timestamp, line: text, metadata: pairs)
            return nil
        } catch {
            return refuse(error)
        }
    }

    /// `["1700000000000000000", "line", {"k": "v"}]`
    private mutating func entry(_ pull: inout JSONPull) throws(JSONFault) -> (Int64, RawString) {
        guard try pull.enter(0x5B, 0x5D, or: .array) else { throw .value }
        guard try pull.peek() == 0x22 else { throw .value }
        let timestamp = try Self.integer(try pull.string())
        var line = RawString(raw: ByteView(), isEscaped: false)
        guard try pull.more(until: 0x5D, or: .array) else { return (timestamp, line) }
        line = try pull.string()
        guard try pull.more(until: 0x5D, or: .array) else { return (timestamp, line) }
        if try pull.peek() == 0x6E { try pull.skipValue() } else { try metadata(&pull) }
        while try pull.more(until: 0x5D, or: .array) { try pull.skipValue() }
        return (timestamp, line)
    }

    private mutating func metadata(_ pull: inout JSONPull) throws(JSONFault) {
        var more = try pull.enter(0x7B, 0x7D, or: .object)
        while more {
            let name = try pull.key()
            let value = try pull.string()
            guard rawPairs.count < limits.pairsMax else {
                throw refuse(PushError(.malformed, "more than \(limits.pairsMax) pairs of structured metadata in one entry"))
            }
            rawPairs.append((name, value))
            more = try pull.more(until: 0x7D, or: .object)
        }
    }

    /// `{"ts": "2023-11-14T22:13:20Z", "line": "text"}`
    private mutating func legacyEntry(_ pull: inout JSONPull) throws(JSONFault) -> (Int64, RawString) {
        var timestamp: Int64?
        var line = RawString(raw: ByteView(), isEscaped: false)
        var more = try pull.enter(0x7B, 0x7D, or: .object)
        while more {
            let key = try pull.key()
            if key.equals("ts") || key.equals("timestamp") {
                let text = try pull.string().decoded()
                timestamp = text.withView { RFC3339.parse($0) }
            } else if key.equals("line") {
                line = try pull.string()
            } else if key.equals("structuredMetadata") {
                try metadata(&pull)
            } else {
                try pull.skipValue()
            }
            more = try pull.more(until: 0x7D, or: .object)
        }
        guard let timestamp else { throw .value }
        return (timestamp, line)
    }

    /// Decimal digits with an optional minus, nothing else.
    static func integer(_ text: RawString) throws(JSONFault) -> Int64 {
        let raw = text.raw
        var i = 0
        let negative = raw.first == 0x2D
        if negative { i = 1 }
        guard i < raw.count else { throw .value }
        var value: Int64 = 0
        while i < raw.count {
            guard raw[i].isDigit else { throw .value }
            let digit = Int64(raw[i] - 0x30)
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflowToo) =
                negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if overflow || overflowToo { throw .overflow }
            value = next
            i += 1
        }
        return value
    }

    // MARK: Words

    /// The error of Loki's JSON reader: a stretch of ten bytes on both sides of the head, and one of fifty.
    static func error(_ path: String, _ message: String, _ body: ByteView, head: Int) -> PushError {
        let near = max(head - 10, 0)
        let parsing = body[near..<min(head + 10, body.count)]
        let context = body[max(head - 50, 0)..<min(head + 50, body.count)]
        return PushError(
            .malformed,
            "\(path): \(message)",
            excerpt: ", error found in #\(head - near) byte of ...|\(parsing)|..., bigger context ...|\(context)|...")
    }
}
