import HTTPTypes
import Hummingbird
import HummingbirdCore
import LokiWire
import NIOCore

/// Bodies of pushes on their way in.
enum PushBody {
    /// The body as it arrives. `held`: bytes that the caller has to give back to the gate. A refusal closes the
    /// connection, since the rest of the body is not worth reading.
    static func receive(
        _ request: Request, sizeMax: Int, gate: ByteGate, _ held: inout Int
    ) async throws -> ByteBuffer {
        if let declared = request.headers[.contentLength].flatMap({ Int($0) }), declared > sizeMax {
            throw tooLarge(declared, sizeMax)
        }
        var body = ByteBuffer()
        do {
            for try await chunk in request.body {
                guard body.readableBytes + chunk.readableBytes <= sizeMax else {
                    throw tooLarge(body.readableBytes + chunk.readableBytes, sizeMax)
                }
                guard gate.take(chunk.readableBytes) else {
                    throw Refusal(503, "too many pushes at once: try again", retryAfter: 1, closes: true)
                }
                held += chunk.readableBytes
                body.writeImmutableBuffer(chunk)
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // Chunks of impossible sizes, trailers without end, a body that breaks off: the client's doing, and a 5xx would
            // make it try again.
            throw Refusal(400, "the request's body cannot be read: \(error)", closes: true)
        }
        return body
    }

    private static func tooLarge(_ size: Int, _ sizeMax: Int) -> Refusal {
        Refusal(
            413, "request body too large: message size too large than max (\(size) vs \(sizeMax))", closes: true)
    }
}

extension Refusal {
    /// `quotes`: whether the answer may hold a stretch of the body.
    init(_ error: PushError, quotes: Bool) {
        let status =
            switch error.kind {
            case .malformed: 400
            case .tooLarge: 413
            case .empty: 422
            }
        self.init(status, quotes ? error.description : error.message)
    }
}
