/// What the command line asks for.
package struct ServiceOptions: Sendable {
    package enum Role: Sendable { case collector, server }

    package var roles: Set<Role>
    package var configuration: String?
    package var data: String?
    package var listen: String?
    package var watch: [String]
    package var expandsEnvironment: Bool
    package var once: Bool
    package var servesMetrics: Bool
    package var timeoutSeconds: Int

    package init(
        roles: Set<Role>, configuration: String? = nil, data: String? = nil, listen: String? = nil, watch: [String] = [],
        expandsEnvironment: Bool = false, once: Bool = false, servesMetrics: Bool = false, timeoutSeconds: Int = 60
    ) {
        self.roles = roles
        self.configuration = configuration
        self.data = data
        self.listen = listen
        self.watch = watch
        self.expandsEnvironment = expandsEnvironment
        self.once = once
        self.servesMetrics = servesMetrics
        self.timeoutSeconds = timeoutSeconds
    }
}
