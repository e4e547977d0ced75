import Bytes
import LogModel

/// An OTLP logs request on its way in: headers decide how the body is unpacked and read, a `PushSink` takes what it
/// holds, just as with a push.
///
/// Holds working memory that grows to the largest body seen. Not thread-safe.
package final class OTLPDecoder {
    /// The two forms of a request; the answer to it, an error above all, comes in the same.
    package enum Form: Sendable {
        case protobuf, json

        /// The form that a `Content-Type` names, parameters aside; nil for any other.
        package init?(contentType: String?) {
            switch try? PushDecoder.mediaType(contentType) {
            case "application/x-protobuf": self = .protobuf
            case "application/json": self = .json
            default: return nil
            }
        }

        package var contentType: String { self == .json ? "application/json" : "application/x-protobuf" }
    }

    private let limits: PushLimits
    private let mapping: OTLPMapping
    private let plain = ByteArena()

    package init(limits: PushLimits = PushLimits(), mapping: OTLPMapping = .standard) {
        self.limits = limits
        self.mapping = mapping
    }

    /// Decodes `body`. Throws before, while or after the sink was called; then what the sink holds must be dropped. A
    /// request without a single record is fine, as the protocol says.
    ///
    /// `contentEncoding`: empty, `identity`, `gzip`, `deflate`, `zstd` or `lz4`. `now`: time of records that have none,
    /// nanoseconds.
    package func decode<Sink: PushSink>(
        _ body: ByteView, contentType: String?, contentEncoding: String?, now: Int64, into sink: inout Sink
    ) throws(PushError) -> PushDecoder.Outcome {
        guard let form = Form(contentType: contentType) else {
            throw PushError(.malformed, "content type: \(contentType ?? "") is not supported")
        }
        plain.reset()
        var text = body
        do throws(InflateError) {
            switch contentEncoding ?? "" {
            case "", "identity": break
            case "gzip":
                try CappedReader.inflate(body, .gzip, limit: limits.decodedSizeMax, into: plain)
                text = plain.view
            case "deflate":
                try CappedReader.inflate(body, .zlib, limit: limits.decodedSizeMax, into: plain)
                text = plain.view
            case "zstd":
                try CappedReader.zstd(body, limit: limits.decodedSizeMax, into: plain)
                text = plain.view
            case "lz4":
                try CappedReader.lz4(body, limit: limits.decodedSizeMax, into: plain)
                text = plain.view
            case let other:
                throw InflateError.damaged("Content-Encoding \"\(other)\" not supported: gzip, deflate, lz4 and zstd are")
            }
        } catch {
            switch error {
            case .tooLarge(let limit):
                throw PushError(.tooLarge, "request body too large: message size too large than max (more vs \(limit))")
            case .damaged(let words): throw PushError(.malformed, words)
            }
        }
        guard text.count <= limits.decodedSizeMax else {
            throw PushError(
                .tooLarge, "request body too large: message size too large than max (\(text.count) vs \(limits.decodedSizeMax))")
        }
        var mapper = OTLPMapper(mapping, now: now, pairsMax: limits.pairsMax)
        switch form {
        case .protobuf:
            var reader = OTLPProtobuf(limits: limits)
            try reader.decode(text, &mapper, into: &sink)
            return PushDecoder.Outcome(streams: reader.resources, entries: reader.entries, decodedSize: text.count)
        case .json:
            var reader = OTLPJSON(limits: limits)
            try reader.decode(text, &mapper, into: &sink)
            return PushDecoder.Outcome(streams: reader.resources, entries: reader.entries, decodedSize: text.count)
        }
    }
}

/// Answers to OTLP requests.
package enum OTLPAnswer {
    /// A `google.rpc.Status` with a message; its code is left out, as the protocol allows.
    package static func status(_ message: String, _ form: OTLPDecoder.Form, into out: ByteArena) {
        switch form {
        case .protobuf:
            out.append(0x12)
            message.withView { out.append(prefixed: $0) }
        case .json:
            var json = JSONWriter(out)
            json.beginObject()
            json.key("message")
            json.string(message)
            json.endObject()
        }
    }
}
