import LogModel

/// One entry of `docker_sd_configs`.
package struct DockerSettings: Sendable {
    /// Of the list of containers, by name of the filter.
    package struct Filter: Sendable, Equatable {
        package var name: String
        package var values: [String]

        package init(name: String, values: [String]) {
            self.name = name
            self.values = values
        }
    }

    /// Index and name of the scrape configuration; the name is part of the position's key.
    package var job: Int
    package var jobName: String
    /// Which entry of its list this is: two of them may see the same container.
    package var index = 0
    package var address: HTTPServerAddress
    /// In `__address__` of containers that have no port.
    package var port = 80
    /// `__address__` of containers in the host's own network.
    package var hostNetworkingHost = "localhost"
    /// Labels of one network of a container with several, instead of whichever comes first.
    package var matchesFirstNetwork = true
    package var filters: [Filter] = []
    /// How often everything is listed again without being told to.
    package var refreshInterval: Duration = .seconds(60)
    package var relabel: [RelabelRule] = []
    /// Longest line, joined from its parts; what is longer is cut here.
    package var maxLineBytes = 16 << 20

    package init(job: Int, jobName: String, address: HTTPServerAddress) {
        self.job = job
        self.jobName = jobName
        self.address = address
    }
}
