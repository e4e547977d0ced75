import LogConfig

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
    /// Read standard input instead of the sources of the configuration.
    package var stdin: Bool
    package var servesMetrics: Bool
    package var timeoutSeconds: Int
    /// Skip sources that this version cannot read, instead of refusing to start.
    package var ignoresUnsupported: Bool
    /// Promtail's command line, which names the configuration then and counts over it.
    package var promtail: PromtailFlags?
    /// Print lines instead of delivering them; positions stay.
    package var isDryRun = false
    /// Show what each stage does to each line, on standard error.
    package var inspects = false

    package init(
        roles: Set<Role>, configuration: String? = nil, data: String? = nil, listen: String? = nil, watch: [String] = [],
        expandsEnvironment: Bool = false, once: Bool = false, stdin: Bool = false, servesMetrics: Bool = false, timeoutSeconds: Int = 60,
        ignoresUnsupported: Bool = false
    ) {
        self.roles = roles
        self.configuration = configuration
        self.data = data
        self.listen = listen
        self.watch = watch
        self.expandsEnvironment = expandsEnvironment
        self.once = once || stdin
        self.stdin = stdin
        self.servesMetrics = servesMetrics
        self.timeoutSeconds = timeoutSeconds
        self.ignoresUnsupported = ignoresUnsupported
    }

    /// These options, with standard input where a configuration asks for it.
    func reading(stdin: Bool) -> ServiceOptions {
        var options = self
        options.stdin = self.stdin || stdin
        options.once = options.once || options.stdin
        return options
    }
}
