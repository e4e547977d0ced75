import Bytes
import LogModel
import NIOCore
import NIOHTTP1

/// An OAuth 2 access token by the grant of client credentials (RFC 6749, 4.4): fetched when first needed, kept until
/// shortly before it ends, fetched anew after a 401.
actor TokenSource {
    private struct Token {
        var header: String
        var ends: ContinuousClock.Instant?
    }

    private let settings: OAuth2Settings
    private let transport: Transport
    private var token: Token?
    /// Several requests wait for one token.
    private var fetching: Task<Result<Token, RequestFailure>, Never>?

    /// A token that ends sooner than this is not used any more: the request takes time too.
    private static let margin = Duration.seconds(10)

    init(_ settings: OAuth2Settings, transport: Transport) {
        self.settings = settings
        self.transport = transport
    }

    /// The value of `Authorization`.
    func header() async throws(RequestFailure) -> String {
        if let token, token.ends.map({ $0 - Self.margin > .now }) ?? true { return token.header }
        let task = fetching ?? Task { await self.fetch() }
        fetching = task
        // A stop does not wait for a server of tokens either.
        let result = await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() }
        if fetching == task { fetching = nil }
        token = try? result.get()
        return try result.get().header
    }

    /// The server did not like the token.
    func forget() { token = nil }

    func shutdown() async { await transport.shutdown() }

    private func fetch() async -> Result<Token, RequestFailure> {
        do throws(RequestFailure) {
            let secret = try settings.clientSecret.read()
            var form = "grant_type=client_credentials"
            if !settings.scopes.isEmpty { form += "&scope=" + Self.escape(settings.scopes.joined(separator: " ")) }
            for pair in settings.parameters { form += "&\(Self.escape(pair.name))=\(Self.escape(pair.value))" }
            let basic = Base64.encode("\(Self.escape(settings.clientID)):\(Self.escape(secret))")
            var answer = try await post(form, authorization: "Basic \(basic)")
            if answer.status == 401 || answer.status == 400 {
                // Some servers read the client only from the body.
                answer = try await post(
                    form + "&client_id=\(Self.escape(settings.clientID))&client_secret=\(Self.escape(secret))",
                    authorization: nil)
            }
            guard (200..<300).contains(answer.status) else {
                throw RequestFailure(words: "\(Destination.origin(of: transport.url)) gives no token: it answered \(answer.status)")
            }
            return .success(try Self.token(in: answer.text, origin: Destination.origin(of: transport.url)))
        } catch {
            return .failure(error)
        }
    }

    private func post(_ form: String, authorization: String?) async throws(RequestFailure) -> Transport.Answer {
        var headers: HTTPHeaders = [
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json", "User-Agent": "tailrace",
        ]
        if let authorization { headers.add(name: "Authorization", value: authorization) }
        return try await transport.post(headers, ByteBuffer(string: form), keep: 64 << 10)
    }

    private static func token(in text: String, origin: String) throws(RequestFailure) -> Token {
        var values: [String: String] = [:]
        let bytes = Array(text.utf8)
        bytes.withView { view in
            var cursor = JSONCursor()
            guard (try? cursor.scan(view)) != nil, cursor.count > 0, cursor[0].type == .object else { return }
            var i = 1
            while i < cursor[0].next {
                let member = cursor.member(at: i)
                let out = ByteArena()
                if !member.isValueEscaped {
                    out.append(view[member.value])
                } else if !JSONText.unescape(view[member.value], into: out) {
                    out.reset()
                }
                values[view[member.key].string] = withExtendedLifetime(out) { out.view.string }
                i = member.next
            }
        }
        guard let access = values["access_token"], !access.isEmpty,
            access.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw RequestFailure(words: "\(origin) gives no token: there is no `access_token` in its answer") }
        let type = values["token_type"].map { $0.lowercased() == "bearer" ? "Bearer" : $0 } ?? "Bearer"
        let seconds = values["expires_in"].flatMap { Double($0) }.map { min(max($0, 0), 1e9) }
        return Token(header: "\(type) \(access)", ends: seconds.map { .now + .seconds($0) })
    }

    /// As a form is written.
    static func escape(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if byte.isAlphanumeric || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else if byte == 0x20 {
                out += "+"
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                out += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return out
    }
}
