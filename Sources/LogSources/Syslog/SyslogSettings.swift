import LogModel

/// A `syslog:` block of a scrape configuration.
package struct SyslogSettings: Sendable {
    package enum Transport: String, Sendable, CaseIterable { case tcp, udp }
    package enum Format: String, Sendable, CaseIterable { case rfc5424, rfc3164 }

    /// Files of a server's own certificate and key, and whose certificates clients must have (nil: nobody asks).
    package struct TLS: Sendable, Equatable {
        package var certificateFile: String
        package var keyFile: String
        package var clientAuthorityFile: String?

        package init(certificateFile: String, keyFile: String, clientAuthorityFile: String? = nil) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.clientAuthorityFile = clientAuthorityFile
        }
    }

    /// Index and name of the scrape configuration.
    package var job: Int
    package var jobName: String
    package var host: String
    /// 0: any that is free.
    package var port: Int
    package var transport: Transport = .tcp
    package var format: Format = .rfc5424
    /// A connection that is silent for longer is closed.
    package var idleTimeout: Duration = .seconds(120)
    /// Bytes of a message; longer ones are cut.
    package var maxMessageLength = 8192
    /// Structured data becomes labels `__syslog_message_sd_<id>_<name>`.
    package var labelsStructuredData = false
    /// The time of an entry is that of the message, where it has one; else that of its arrival.
    package var usesIncomingTimestamp = false
    /// Lines are whole messages instead of their text.
    package var usesWholeMessage = false
    package var labels = Labels()
    package var relabel: [RelabelRule] = []
    package var tls: TLS?

    package init(job: Int, jobName: String, host: String, port: Int) {
        self.job = job
        self.jobName = jobName
        self.host = host
        self.port = port
    }
}
