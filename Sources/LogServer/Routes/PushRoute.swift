import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import LogPipeline
import LokiWire
import NIOCore
import Synchronization

/// Decoders with their working memory, for reuse: two arenas of the size of a push are worth keeping.
final class PushDecoderPool: Sendable {
    private let idle = Mutex<[PushDecoderBox]>([])
    /// Chosen: one for each thread of the push lane of a small machine.
    private static let keepMax = 4

    func with<R>(_ limits: PushLimits, _ caches: PushDecoder.Caches, _ body: (PushDecoder) throws -> R) rethrows -> R {
        let box = idle.withLock { $0.popLast() } ?? PushDecoderBox(PushDecoder(limits: limits, caches: caches))
        defer { idle.withLock { if $0.count < Self.keepMax, box.isSmall { $0.append(box) } } }
        box.decoder.limits = limits
        return try body(box.decoder)
    }
}

/// A decoder that is used by one thread at a time.
final class PushDecoderBox: @unchecked Sendable {
    // Sendable: the pool hands a box to one caller at a time.
    let decoder: PushDecoder
    init(_ decoder: PushDecoder) { self.decoder = decoder }
    /// Memory of a giant push is given back rather than kept.
    var isSmall: Bool { decoder.footprint <= 16 << 20 }
}

/// How the body of a push is written.
enum PushForm: Sendable {
    /// Loki's own two.
    case loki
    case otlp
}

extension LogServer {
    /// `push`: 204, or what was wrong. Entries that pass are stored even where others were refused.
    func push(
        _ request: Request,
        _ context: ConnectionContext,
        _ connection: ConnectionState?,
        tenant: Tenant,
        form: PushForm = .loki
    ) async throws -> Reply {
        let headers = request.headers
        let key = try RequestHeaders.batchKey(headers[.tailraceBatch])
        let limits = parts.limits(tenant)
        var held = 0
        defer { pushBytes.give(held) }
        let received = try await PushBody.receive(request, sizeMax: limits.maxPushBodySize, gate: pushBytes, &held)
        connection?.phase = .answering
        let contentType = headers[.contentType]
        let encoding = headers[.contentEncoding]
        // Unpacked, and then once more as the batch that is stored.
        let unpacked = received.withUnsafeReadableBytes {
            PushDecoder.sizeGuess(ByteView(unsafe: $0), contentType: contentType, contentEncoding: encoding)
        }
        let expected = 2 * min(unpacked, limits.maxPushDecodedSize)
        guard pushBytes.take(expected, beside: held) else {
            throw Refusal(503, "too many pushes at once: try again", retryAfter: 1)
        }
        held += expected
        // A client that leaves does not take its lines back: no cancel flag is watched here.
        let taken = try await pushes.run(timeout: nil, cancel: CancelFlag(), loop: context.channel.eventLoop) {
            try decode(received, contentType, encoding, tenant, limits, form)
        }
        // Loki fails the whole push where a metadata name has no legal form. OTLP's clients send again what fails with a
        // 5xx, and this would fail for ever.
        if let failure = taken.failure { throw Refusal(form == .loki ? 500 : 400, failure) }
        // A batch with a number is stored once: were some of it stored now, the rest would be taken for a repetition when it
        // is sent again.
        if key != nil, taken.isRateLimited { throw Refusal(429, taken.messages.joined(separator: "\n")) }
        var batch = taken.batch
        batch.key = key
        batch.deduplicates = key == nil
        // An empty batch with a key still takes its number, or the client would wait for it for ever.
        if !batch.isEmpty || key != nil { _ = try await parts.writer.append(batch) }
        guard taken.messages.isEmpty else {
            throw Refusal(taken.isRateLimited ? 429 : 400, taken.messages.joined(separator: "\n"))
        }
        return .noContent
    }

    private func decode(
        _ body: ByteBuffer,
        _ contentType: String?,
        _ encoding: String?,
        _ tenant: Tenant,
        _ limits: Limits,
        _ form: PushForm
    ) throws -> IntakeResult {
        var sizes = PushLimits()
        sizes.decodedSizeMax = limits.maxPushDecodedSize
        var sink = IntakeSink(builder: parts.intake.makeBuilder(tenant: tenant, isPush: true))
        do {
            try body.withUnsafeReadableBytes { bytes in
                let view = ByteView(unsafe: bytes)
                switch form {
                case .loki:
                    _ = try decoders.with(sizes, caches) { decoder in
                        try decoder.decode(view, contentType: contentType, contentEncoding: encoding, into: &sink)
                    }
                case .otlp:
                    _ = try OTLPDecoder(limits: sizes, mapping: mappings.mapping(of: tenant, limits)).decode(
                        view,
                        contentType: contentType,
                        contentEncoding: encoding,
                        now: Timestamp.now().nanoseconds,
                        into: &sink
                    )
                }
            }
        } catch let error as PushError {
            throw Refusal(error, quotes: !parts.intake.redacts)
        }
        return sink.builder.finish()
    }
}

/// From the decoder to the intake.
private struct IntakeSink: PushSink {
    let builder: IntakeBuilder

    mutating func begin(stream labels: Labels) throws(PushError) { builder.beginStream(labels) }

    mutating func entry(timestamp: Int64, line: ByteView, metadata: [MetadataPair]) throws(PushError) {
        if metadata.isEmpty {
            builder.add(timestamp: timestamp, line: line)
            return
        }
        builder.add(
            timestamp: timestamp,
            line: line,
            metadata: Labels(metadata.map { Label(ByteString($0.name), ByteString($0.value)) })
        )
    }
}
