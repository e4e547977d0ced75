import Bytes
import LogModel

/// Where a message came from.
package struct SyslogPeer: Sendable, Equatable {
    package var address: ByteString
    /// By reverse DNS; empty where no rule asks for it, or there is none.
    package var hostname: ByteString

    package init(address: ByteString, hostname: ByteString = ByteString()) {
        self.address = address
        self.hostname = hostname
    }
}

/// Parses messages, relabels them, and hands them to a sink in batches. Of one thread.
package struct SyslogBatcher: ~Copyable {
    private let settings: SyslogSettings
    private let sink: any LineSink
    private let events: SourceEvents
    /// Which `__syslog_*` labels the rules look at: the others need not be made.
    private let needed: Set<ByteString>?
    private var cache: [[ByteString]: Labels?] = [:]
    private var arena = ByteArena(capacity: 64 << 10)
    private var lines: [LineBatch.Line] = []
    private var labelSets: [Labels] = []
    private var labelNumbers: [Labels: UInt32] = [:]
    private var lastTime: Int64 = .min

    private static let batchBytes = 512 << 10
    private static let batchLines = 4096
    /// Beyond this many combinations the cache begins anew.
    private static let cacheMax = 4096

    private static let names: [ByteString] = [
        "__syslog_connection_ip_address", "__syslog_connection_hostname", "__syslog_message_severity",
        "__syslog_message_facility", "__syslog_message_hostname", "__syslog_message_app_name", "__syslog_message_proc_id",
        "__syslog_message_msg_id",
    ]

    package init(_ settings: SyslogSettings, sink: any LineSink, events: SourceEvents) {
        self.settings = settings
        self.sink = sink
        self.events = events
        needed = Set(Self.names.filter { name in settings.relabel.contains { $0.reads(name) } })
    }

    /// Whether a rule reads the peer's name, which is worth a question to DNS.
    package static func needsHostname(_ settings: SyslogSettings) -> Bool {
        settings.relabel.contains { $0.reads("__syslog_connection_hostname") }
    }

    /// Takes one message. Throws what the sink throws.
    package mutating func add(_ bytes: ByteView, from peer: SyslogPeer) throws {
        let now = Timestamp.now().nanoseconds
        let message = SyslogMessage(bytes, format: settings.format, now: now / 1_000_000_000)
        if !message.isWhole { events.count(.syslogPartial, 1) }
        let text = settings.usesWholeMessage && message.isWhole ? bytes : bytes[message.text]
        guard !text.isEmpty else {
            events.count(.syslogEmpty, 1)
            return
        }
        guard let labels = labels(message, peer) else {
            events.count(.syslogDropped, 1)
            return
        }
        let number: UInt32
        if let known = labelNumbers[labels] {
            number = known
        } else {
            number = UInt32(labelSets.count)
            labelSets.append(labels)
            labelNumbers[labels] = number
        }
        lastTime = max(now, lastTime &+ 1)
        let time = settings.usesIncomingTimestamp ? message.timestamp ?? lastTime : lastTime
        let start = arena.count
        arena.append(text)
        lines.append(
            LineBatch.Line(start: UInt32(start), length: UInt32(text.count), labels: number, timestamp: time, end: 0))
        events.count(.syslogEntries, 1)
        if arena.count >= Self.batchBytes || lines.count >= Self.batchLines { try flush() }
    }

    /// Hands over what has come.
    package mutating func flush() throws {
        guard !lines.isEmpty else { return }
        let batch = LineBatch(
            source: ByteString(), path: "syslog:\(settings.jobName)", job: settings.job, labelSets: labelSets, bytes: arena.take(),
            lines: lines, from: 0, to: SourcePosition(offset: 0))
        lines.removeAll(keepingCapacity: true)
        labelSets.removeAll(keepingCapacity: true)
        labelNumbers.removeAll(keepingCapacity: true)
        try sink.deliver(batch)
    }

    /// nil: a rule drops the entry.
    private mutating func labels(_ message: SyslogMessage, _ peer: SyslogPeer) -> Labels? {
        let values: [ByteString] = [
            peer.address, peer.hostname, ByteString(message.severity ?? ""), ByteString(message.facility ?? ""), message.hostname,
            message.appName, message.procID, message.msgID,
        ]
        var key: [ByteString] = []
        for (name, value) in zip(Self.names, values) where needed?.contains(name) ?? true { key.append(value) }
        if settings.labelsStructuredData { for datum in message.data { key += [datum.id, datum.name, datum.value] } }
        if let known = cache[key] { return known }
        var labels = settings.labels
        for (name, value) in zip(Self.names, values) where !value.isEmpty { labels[name] = value }
        if settings.labelsStructuredData {
            for datum in message.data {
                labels[Self.name(datum)] = datum.value
            }
        }
        let made = RelabelRule.apply(settings.relabel, to: labels).map { relabelled in
            Labels(relabelled.pairs.filter { !$0.name.hasPrefix("__") || $0.name == "__tenant_id__" })
        }
        if cache.count >= Self.cacheMax { cache.removeAll(keepingCapacity: true) }
        cache[key] = made
        return made
    }

    /// `__syslog_message_sd_<id>_<name>`, everything but letters, digits and `_` made `_`.
    private static func name(_ datum: SyslogMessage.Datum) -> ByteString {
        let text = Array("__syslog_message_sd_".utf8) + datum.id.bytes + [UInt8(ascii: "_")] + datum.name.bytes
        return ByteString(text.map { $0.isAlphanumeric ? $0 : UInt8(ascii: "_") })
    }
}
