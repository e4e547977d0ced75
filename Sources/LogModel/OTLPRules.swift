/// Which attributes of OpenTelemetry's logs become stream labels, in the terms of Loki's `otlp_config`.
///
/// Everything that no rule names becomes structured metadata.
package struct OTLPRules: Sendable, Equatable {
    package enum Action: String, Sendable, CaseIterable {
        case indexLabel = "index_label"
        case structuredMetadata = "structured_metadata"
        case drop
    }

    /// One action for some attributes: by name, by an RE2 expression over the whole name, or both.
    package struct Rule: Sendable, Equatable {
        package var action: Action
        package var attributes: [String]
        package var regex: String?

        package init(_ action: Action, attributes: [String] = [], regex: String? = nil) {
            self.action = action
            self.attributes = attributes
            self.regex = regex
        }
    }

    /// Whether `resource` replaces the list of default index attributes rather than adds to it.
    package var ignoresDefaults = false
    package var resource: [Rule] = []
    /// Of instrumentation scopes; `indexLabel` is not possible here, nor below.
    package var scope: [Rule] = []
    package var record: [Rule] = []
    /// Whether a record's `severity_text` is a stream label.
    package var severityTextAsLabel = false

    package init() {}

    /// Resource attributes that are stream labels where nothing else is said: Loki's list.
    package static let indexAttributes = [
        "service.name", "service.namespace", "service.instance.id", "deployment.environment",
        "deployment.environment.name", "cloud.region", "cloud.availability_zone", "k8s.cluster.name",
        "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name", "k8s.replicaset.name",
        "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
    ]
}
