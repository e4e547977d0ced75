import NIOSSL
import Synchronization

/// The TLS configuration of a destination, made anew when one of its files was written again.
final class TransportTLS: Sendable {
    private struct Made: Sendable {
        var versions: [String?]
        var configuration: TLSConfiguration
    }

    private let settings: TLSSettings
    private let made = Mutex<Made?>(nil)

    init(_ settings: TLSSettings) { self.settings = settings }

    /// For the next request. Looks at three files at most; connections that are open stay.
    func configuration() throws(RequestFailure) -> TLSConfiguration {
        let versions = [settings.authority?.version, settings.certificate?.version, settings.key?.version]
        if let known = made.withLock({ $0 }), known.versions == versions { return known.configuration }
        let configuration = try make()
        made.withLock { $0 = Made(versions: versions, configuration: configuration) }
        return configuration
    }

    private func make() throws(RequestFailure) -> TLSConfiguration {
        var result = TLSConfiguration.makeClientConfiguration()
        result.certificateVerification = settings.skipsVerification ? .none : .fullVerification
        result.minimumTLSVersion = settings.versionMin?.value ?? .tlsv12
        if let most = settings.versionMax { result.maximumTLSVersion = most.value }
        if let authority = settings.authority {
            let text = try authority.read()
            do { result.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(text.utf8))) } catch {
                throw RequestFailure(words: "`ca` of tls_config is no PEM certificate: \(error)")
            }
        }
        if let certificate = settings.certificate {
            let text = try certificate.read()
            do {
                result.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(text.utf8)).map { .certificate($0) }
            } catch {
                throw RequestFailure(words: "`cert` of tls_config is no PEM certificate: \(error)")
            }
        }
        if let key = settings.key {
            let text = try key.read()
            do { result.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(text.utf8), format: .pem)) } catch {
                throw RequestFailure(words: "`key` of tls_config is no PEM key: \(error)")
            }
        }
        return result
    }
}

extension TLSSettings.Version {
    fileprivate var value: TLSVersion {
        switch self {
        case .tls10: .tlsv1
        case .tls11: .tlsv11
        case .tls12: .tlsv12
        case .tls13: .tlsv13
        }
    }
}
