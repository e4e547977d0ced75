import Bytes
import Glibc
import LogModel

/// One entry of `kubernetes_sd_configs`: pods of this node.
package struct KubernetesSettings: Sendable {
    /// How the API is reached.
    package enum Access: Sendable, Equatable {
        /// By this pod's service account.
        case cluster
        case server(HTTPServerAddress)
    }

    /// Index and name of the scrape configuration.
    package var job: Int
    package var jobName: String
    /// Which entry of its list this is.
    package var index = 0
    package var access: Access = .cluster
    /// Empty: all of them.
    package var namespaces: [String] = []
    package var includesOwnNamespace = false
    /// Of pods, beside the node: `app=web,tier!=test`.
    package var labelSelector = ""
    package var fieldSelector = ""
    /// Where the kubelet puts logs.
    package var podsDirectory = "/var/log/pods"
    /// What the targets have in common: rules, encoding, decompression. Its labels are not used.
    package var target: FileTargetSettings
    /// How long the target of a pod that is gone is kept, so that what was written last is found.
    package var leaveWait: Duration = .seconds(10)
    /// How often the API is asked again that did not let us; a quarter more or less by chance.
    package var refusedWait: Duration = .seconds(60)

    package init(job: Int, jobName: String, target: FileTargetSettings) {
        self.job = job
        self.jobName = jobName
        self.target = target
    }

    /// The node that this process runs on: `NODE_NAME`, else `HOSTNAME`, as charts set them from `spec.nodeName`, else the host's name.
    package static func nodeName(hostname: String) -> String {
        for name in ["NODE_NAME", "HOSTNAME"] {
            if let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty { return value }
        }
        return hostname
    }
}

/// What a pod knows of the cluster that it runs in.
package struct KubernetesServiceAccount: Sendable {
    package var directory: String
    package var host: String
    package var port: String

    package static let standardDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// From the environment, as the kubelet sets it.
    package init(directory: String = standardDirectory) {
        self.init(
            directory: directory, host: getenv("KUBERNETES_SERVICE_HOST").map { String(cString: $0) } ?? "",
            port: getenv("KUBERNETES_SERVICE_PORT").map { String(cString: $0) } ?? "")
    }

    package init(directory: String, host: String, port: String) {
        self.directory = directory
        self.host = host
        self.port = port
    }

    /// nil, and why not, where there is none.
    func address(_ missing: inout String) -> HTTPServerAddress? {
        guard !host.isEmpty, let port = Int(port) else {
            missing = "KUBERNETES_SERVICE_HOST is not set"
            return nil
        }
        let token = "\(directory)/token"
        do throws(SystemError) { _ = try System.status(of: ByteString(token)) } catch {
            missing = "\(error)"
            return nil
        }
        var address = HTTPServerAddress(.tcp(host: host, port: port))
        var tls = HTTPServerAddress.TLS()
        tls.authority = .file("\(directory)/ca.crt")
        address.tls = tls
        address.authorization = .bearerFile(token)
        return address
    }

    /// The namespace of this pod; nil where it is not known.
    var namespace: String? {
        let path = ByteString("\(directory)/namespace")
        guard let file = try? System.open(path) else { return nil }
        defer { System.close(file) }
        let text = (try? System.bytes(file, 0..<1024, path))?.withView { $0.trimmed.string }
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }
}
