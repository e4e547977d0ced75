import Bytes
import LogModel

/// A push request on its way in: headers decide how the body is unpacked and read, a `PushSink` takes what it holds.
///
/// Holds working memory that grows to the largest body seen: use one for a request, or one a thread. Not thread-safe;
/// the caches of label texts are, and may be shared among decoders.
package final class PushDecoder {
    /// Streams by the text of their labels, across requests.
    package struct Caches: Sendable {
        let texts = LabelCache()
        let objects = LabelCache()
        package init() {}
    }

    /// May be another tenant's for the next body.
    package var limits: PushLimits
    private let caches: Caches
    /// What was compressed, unpacked.
    let first = ByteArena()
    private let second = ByteArena()

    package init(limits: PushLimits = PushLimits(), caches: Caches = Caches()) {
        self.limits = limits
        self.caches = caches
    }

    /// Bytes of working memory held.
    package var footprint: Int { first.footprint + second.footprint }

    package struct Outcome: Sendable, Equatable {
        package var streams: Int
        package var entries: Int
        /// Bytes of the body after decompression.
        package var decodedSize: Int
    }

    /// Decodes `body`. Throws before, while or after the sink was called; then what the sink holds must be dropped.
    ///
    /// `contentType` is the header as it stands, parameters included; `nil` or empty is refused, as Loki does.
    /// `contentEncoding` is empty, `identity`, `snappy` (which says nothing new), `gzip` or `deflate`.
    package func decode<Sink: PushSink>(
        _ body: ByteView, contentType: String?, contentEncoding: String?, into sink: inout Sink
    ) throws(PushError) -> Outcome {
        let isJSON = try Self.mediaType(contentType) == "application/json"
        second.reset()
        let plain = try plain(body, contentEncoding)
        let outcome: Outcome
        if isJSON {
            guard plain.count <= limits.decodedSizeMax else { throw tooLarge(plain.count) }
            var reader = PushJSON(limits: limits, streamCache: caches.objects, textCache: caches.texts)
            try reader.decode(plain, into: &sink)
            outcome = Outcome(streams: reader.streams, entries: reader.entries, decodedSize: plain.count)
        } else {
            do {
                try CappedReader.snappy(plain, limit: limits.decodedSizeMax, into: second)
            } catch {
                throw refusal(error)
            }
            var reader = PushProtobuf(limits: limits, textCache: caches.texts)
            try reader.decode(second.view, into: &sink)
            outcome = Outcome(streams: reader.streams, entries: reader.entries, decodedSize: second.count)
        }
        guard outcome.streams > 0 else { throw .noStreams }
        return outcome
    }

    /// About how many bytes `body` takes when it is unpacked, before that is done: what gzip's trailer and snappy's
    /// preamble say, and for deflate, which says nothing, a ratio usual for logs. Only a guess: who lies is cut off at
    /// the limit.
    package static func sizeGuess(_ body: ByteView, contentType: String?, contentEncoding: String?) -> Int {
        switch contentEncoding ?? "" {
        case "gzip":
            guard body.count >= 18 else { return body.count }
            let size = (0..<4).reduce(0) { $0 | Int(body[body.count - 4 + $1]) << (8 * $1) }
            return max(body.count, size)
        case "deflate": return body.count * 10
        default:
            guard contentType?.contains("protobuf") ?? true else { return body.count }
            var size = 0
            for i in 0..<min(5, body.count) {
                size |= Int(body[i] & 0x7F) << (7 * i)
                if body[i] < 0x80 { break }
            }
            return max(body.count, min(size, 1 << 32))
        }
    }

    /// The body without what `Content-Encoding` says was done to it. Valid until the next body.
    func plain(_ body: ByteView, _ contentEncoding: String?) throws(PushError) -> ByteView {
        first.reset()
        switch contentEncoding ?? "" {
        case "", "identity", "snappy": return body
        case "gzip":
            guard body.count >= 2 else { throw PushError(.malformed, body.isEmpty ? "EOF" : "unexpected EOF") }
            guard body[0] == 0x1F, body[1] == 0x8B else { throw PushError(.malformed, "gzip: invalid header") }
            return try unpack(body, .gzip)
        case "deflate": return try unpack(body, .deflate)
        case let other: throw PushError(.malformed, "Content-Encoding \"\(other)\" not supported")
        }
    }

    private func unpack(_ body: ByteView, _ format: CappedReader.Format) throws(PushError) -> ByteView {
        do {
            try CappedReader.inflate(body, format, limit: limits.decodedSizeMax, into: first)
        } catch {
            throw refusal(error)
        }
        return first.view
    }

    private func refusal(_ error: InflateError) -> PushError {
        switch error {
        case .tooLarge: tooLarge(nil)
        case .damaged(let words): PushError(.malformed, words)
        }
    }

    func tooLarge(_ size: Int?) -> PushError {
        PushError(
            .tooLarge,
            "request body too large: message size too large than max (\(size.map(String.init) ?? "more") vs "
                + "\(limits.decodedSizeMax))")
    }

    /// The type of a `Content-Type` header in lower case, without parameters; errors as Go's `mime` words them.
    static func mediaType(_ header: String?) throws(PushError) -> String {
        let bytes = Array((header ?? "").utf8.prefix { $0 != 0x3B })
        let trimmed = bytes.withView { ByteString($0.trimmed) }
        guard !trimmed.isEmpty else { throw PushError(.malformed, "mime: no media type") }
        let parts = trimmed.bytes.split(separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
        let token = { (part: ArraySlice<UInt8>) in
            !part.isEmpty && part.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"()<>@,;:\\\"/[]?=".utf8.contains($0) }
        }
        guard parts.allSatisfy(token) else {
            throw PushError(
                .malformed,
                parts.count > 1 && parts[1].isEmpty
                    ? "mime: expected token after slash" : "mime: unexpected content after media subtype")
        }
        return ByteString(trimmed.bytes.map(\.lowercased)).string
    }

    /// The labels of a stream's text, with Loki's words for a bad one.
    static func labels(_ text: ByteView, _ limits: PushLimits) throws(PushError) -> Labels {
        do {
            return try LabelText.parse(text, labelsMax: limits.pairsMax)
        } catch {
            throw PushError(.malformed, "couldn't parse labels: \(error)")
        }
    }
}
