import Bytes
import LogModel
import Metrics
import Redaction

/// Takes streams and lines as they arrive and makes a `WriteBatch` of those that may be stored.
///
/// ```
/// let builder = intake.makeBuilder(tenant: tenant)
/// for stream in request {
///     builder.beginStream(stream.labels)
///     for entry in stream { builder.add(timestamp: entry.time, line: entry.line, metadata: entry.metadata) }
/// }
/// let result = builder.finish()
/// ```
package final class IntakeBuilder {
    /// Distinct messages kept; a push of garbage must not grow an answer of gigabytes.
    package static let messagesMax = 100

    private let intake: Intake
    private let limits: Limits
    private let isPush: Bool
    private var batch: WriteBatch
    private var scratch: RedactionScratch?
    /// The redacted line, and the redacted value worked on; apart, because a line outlives the values beside it.
    private let redactedLine = ByteArena(capacity: 4096)
    private let redactedText = ByteArena(capacity: 256)
    /// A line cut to the longest allowed.
    private let cutLine = ByteArena(capacity: 256)

    private var messages: [String] = []
    private var failure: String?
    private var rejected = 0
    private var acceptedBytes = 0
    private var redactedLines = 0
    /// Lines and values for which there was no working memory.
    private var unscanned = 0
    private var truncatedLines = 0
    private var isRateLimited = false
    private var refusals: [String: Int] = [:]

    private struct Stream {
        var labels: Labels
        /// Nil: it was refused.
        var number: UInt32?
        var refusal: String?
        /// Level that the stream's own labels name; as written where it is no known word.
        var level: ByteString?
        /// Labels that take too many values to make streams; every line carries them as metadata.
        var demoted: [Label] = []
        /// Whether a private key has begun in a line before.
        var armour = KeyArmour()
    }

    /// The stream that lines are added to.
    private var stream: Stream?
    /// Streams that the collector comes back to.
    private var prepared: [Stream] = []
    private var selected: Int?

    /// Numbers of the metadata sets that hold nothing but a level.
    private var levelSets: [UInt32?]
    /// `limits.discoverServiceName`, as labels are asked for.
    private let serviceNames: [ByteString]
    /// Names that were normalised before, since names repeat.
    private var names: [ByteString: ByteString] = [:]
    private var newest = Int64.max
    private var oldest = Int64.min

    init(_ intake: Intake, tenant: Tenant, isPush: Bool) {
        self.intake = intake
        limits = intake.limits(of: tenant)
        self.isPush = isPush
        batch = WriteBatch(tenant: tenant)
        serviceNames = limits.discoverServiceName.map { ByteString($0) }
        levelSets = [UInt32?](repeating: nil, count: LogLevel.allCases.count)
        // A redactor without working memory must not let anything pass: see `redact`.
        scratch = try? intake.redactor?.makeScratch()
        setTimeLimits()
    }

    private func setTimeLimits() {
        let now = intake.clock()
        newest = limits.creationGracePeriod > 0 ? now.advanced(by: limits.creationGracePeriod).nanoseconds : .max
        oldest = limits.rejectOldSamplesMaxAge > 0 ? now.advanced(by: -limits.rejectOldSamplesMaxAge).nanoseconds : .min
    }

    // MARK: Streams

    /// The lines that follow belong to this stream. False when the stream was refused: its lines may still be added,
    /// and are counted as refused.
    @discardableResult
    package func beginStream(_ labels: Labels) -> Bool {
        let made = makeStream(labels, isRedacted: false)
        stream = made
        return made.number != nil
    }

    /// Makes a stream to be selected by its number until `finish`.
    func prepareStream(_ labels: Labels, isRedacted: Bool) -> Int {
        prepared.append(makeStream(labels, isRedacted: isRedacted))
        selected = nil
        return prepared.count - 1
    }

    func selectStream(_ number: Int) {
        if selected == number { return }
        selected = number
        stream = prepared[number]
    }

    private func makeStream(_ given: Labels, isRedacted: Bool) -> Stream {
        var labels = given.withoutEmptyValues
        if !isRedacted { labels = redactedLabels(labels) }
        let demoted = intake.labelGuard.demote(
            &labels, of: batch.tenant, max: limits.maxValuesPerLabel, keepsThem: limits.allowStructuredMetadata)
        let count = labels.count - (labels["service_name"] == nil ? 0 : 1)
        if !serviceNames.isEmpty, labels["service_name"] == nil {
            labels["service_name"] = serviceName(of: labels)
        }
        if let refusal = refusal(of: labels, given: count) {
            note(refusal.message)
            return Stream(labels: labels, number: nil, refusal: refusal.reason, level: nil)
        }
        if isPush, limits.maxGlobalStreamsPerUser > 0,
            !intake.rates.admits(stream: labels, of: batch.tenant, max: limits.maxGlobalStreamsPerUser, at: intake.clock())
        {
            isRateLimited = true
            note(
                "maximum active stream limit exceeded when trying to create stream \(labels), reduce the number of active "
                    + "streams (reduce labels or reduce label values), or contact your Loki administrator to see if the "
                    + "limit can be increased, user: '\(batch.tenant)'")
            return Stream(labels: labels, number: nil, refusal: "stream_limit", level: nil)
        }
        return Stream(
            labels: labels, number: batch.stream(labels), refusal: nil,
            level: limits.discoverLogLevels ? level(in: labels) : nil, demoted: demoted)
    }

    private func serviceName(of labels: Labels) -> ByteString {
        for name in serviceNames {
            if let value = labels[name], !value.isEmpty { return value }
        }
        return "unknown_service"
    }

    private func refusal(of labels: Labels, given: Int) -> (reason: String, message: String)? {
        if labels.isEmpty {
            return ("missing_labels", "error at least one label pair is required per stream")
        }
        if given > limits.maxLabelNamesPerSeries {
            return (
                "max_label_names_per_series",
                "entry for stream '\(labels)' has \(given) label names; limit \(limits.maxLabelNamesPerSeries)"
            )
        }
        for pair in labels.pairs {
            if pair.name == Self.backfill || pair.name == Self.backfillShard {
                return ("reserved_label", "stream '\(labels)' has a label that is reserved: '\(pair.name)'")
            }
            if pair.name.count > limits.maxLabelNameLength {
                return (
                    "label_name_too_long", "stream '\(labels)' has label name too long: '\(pair.name)'"
                )
            }
            if pair.value.count > limits.maxLabelValueLength {
                return (
                    "label_value_too_long", "stream '\(labels)' has label value too long: '\(pair.value)'"
                )
            }
        }
        return nil
    }

    // MARK: Lines

    /// Adds a line to the stream begun last. False when it was refused or dropped.
    @discardableResult
    package func add(timestamp: Int64, line: ByteView, metadata: Labels = Labels()) -> Bool {
        add(timestamp: timestamp, line: line, metadata: metadata, isRedacted: false)
    }

    private func add(timestamp: Int64, line given: ByteView, metadata: Labels, isRedacted: Bool) -> Bool {
        guard let number = acceptedStream() else { return false }
        var line = given
        if !isRedacted, intake.redactor != nil {
            var armour = stream?.armour ?? KeyArmour()
            let clean = redact(given, &armour)
            stream?.armour = armour
            guard let clean else { return false }
            line = clean
        }
        guard let kept = accepted(timestamp: timestamp, line: line),
            let set = metadataSet(withDemoted(metadata), kept, isRedacted: isRedacted)
        else { return false }
        batch.add(timestamp: timestamp, stream: number, metadata: set, line: kept)
        acceptedBytes += kept.count
        return true
    }

    /// Adds a line of the collector, which has passed the redactor. `metadata`: sorted by names that are normalised,
    /// with room for one more; `level` its detected level, if the metadata itself names one.
    @discardableResult
    func addPrepared(
        timestamp: Int64, line given: ByteView, metadata: consuming [Label], size: Int, level: ByteString?
    ) -> Bool {
        guard let number = acceptedStream(), let line = accepted(timestamp: timestamp, line: given) else { return false }
        var size = size
        for label in stream?.demoted ?? [] {
            let at = metadata.firstIndex { !($0.name < label.name) } ?? metadata.count
            if at < metadata.count, metadata[at].name == label.name { continue }
            metadata.insert(label, at: at)
            size += label.name.count + label.value.count
        }
        let set: UInt32
        if metadata.isEmpty {
            guard let found = metadataSet(Labels(), line, isRedacted: true) else { return false }
            set = found
        } else {
            guard fits(metadata.count, size) else { return false }
            if limits.discoverLogLevels {
                let level = stream?.level ?? level ?? LevelDetector.detect(line).text
                let at = metadata.firstIndex { !($0.name < Self.levelName) } ?? metadata.count
                if at < metadata.count, metadata[at].name == Self.levelName {
                    metadata[at].value = normalizedLevel(metadata[at].value)
                } else {
                    metadata.insert(Label(Self.levelName, level), at: at)
                }
            }
            set = batch.metadataSet(Labels(metadata))
        }
        batch.add(timestamp: timestamp, stream: number, metadata: set, line: line)
        acceptedBytes += line.count
        return true
    }

    static let levelName: ByteString = "detected_level"
    /// Loki keeps these for itself.
    private static let backfill: ByteString = "__backfill__"
    private static let backfillShard: ByteString = "__backfill_shard__"

    @inline(__always)
    private func acceptedStream() -> UInt32? {
        if let number = stream?.number { return number }
        refuse(stream?.refusal ?? "no_stream", nil)
        return nil
    }

    /// The line as it may be stored, cut where it is too long and that is wanted; nil when it was refused.
    @inline(__always)
    private func accepted(timestamp: Int64, line: ByteView) -> ByteView? {
        let tooLong = limits.maxLineSize > 0 && line.count > limits.maxLineSize
        if !tooLong, timestamp <= newest, timestamp >= oldest, batch.bytes.count + line.count <= WriteBatch.bytesMax {
            return line
        }
        if tooLong, limits.maxLineSizeTruncate { return accepted(timestamp: timestamp, line: truncated(line)) }
        refuse(timestamp: timestamp, line: line, tooLong: tooLong)
        return nil
    }

    /// The longest allowed beginning of a line, with the mark of cut lines at its end where that fits; no character is
    /// cut in two.
    @inline(never)
    private func truncated(_ line: ByteView) -> ByteView {
        truncatedLines += 1
        let mark = limits.maxLineSizeTruncateIdentifier
        var room = limits.maxLineSize
        if mark.utf8.count < room { room -= mark.utf8.count }
        var end = room
        while end > 0, end > room - 4, line[end] & 0xC0 == 0x80 { end -= 1 }
        cutLine.reset()
        cutLine.append(line[0..<end])
        if room < limits.maxLineSize { cutLine.append(mark) }
        return cutLine.view
    }

    private func withDemoted(_ metadata: Labels) -> Labels {
        guard let demoted = stream?.demoted, !demoted.isEmpty else { return metadata }
        // Of equal names the last one stays: the entry's own.
        return Labels(demoted + metadata.pairs)
    }

    @inline(never)
    private func refuse(timestamp: Int64, line: ByteView, tooLong: Bool) {
        if tooLong {
            refuse(
                "line_too_long",
                "max entry size '\(limits.maxLineSize)' bytes exceeded for stream '\(streamText)' while adding an "
                    + "entry with length '\(line.count)' bytes")
        } else if timestamp > newest {
            refuse("too_far_in_future", "entry for stream '\(streamText)' has timestamp too new: \(rfc3339(timestamp))")
        } else if timestamp < oldest {
            refuse(
                "greater_than_max_sample_age",
                "entry for stream '\(streamText)' has timestamp too old: \(rfc3339(timestamp)), "
                    + "oldest acceptable timestamp is: \(rfc3339(oldest))")
        } else {
            refuse("batch_too_large", "a request holds at most \(WriteBatch.bytesMax) bytes of lines")
        }
    }

    /// The number of the line's metadata set with `detected_level` in it, or nil when it was refused.
    private func metadataSet(_ metadata: Labels, _ line: ByteView, isRedacted: Bool) -> UInt32? {
        if metadata.isEmpty {
            guard limits.discoverLogLevels, limits.allowStructuredMetadata else { return 0 }
            if let level = stream?.level {
                return batch.metadataSet(Labels([Label("detected_level", level)]))
            }
            let level = LevelDetector.detect(line)
            if let known = levelSets[Int(level.rawValue)] { return known }
            let set = batch.metadataSet(Labels([Label(Self.levelName, level.text)]))
            levelSets[Int(level.rawValue)] = set
            return set
        }
        guard limits.allowStructuredMetadata else {
            refuse(
                "disallowed_structured_metadata",
                "stream '\(streamText)' includes structured metadata, but this feature is disallowed. Please see "
                    + "`limits_config.allow_structured_metadata` or contact your Loki administrator to enable it")
            return nil
        }
        var pairs: [Label] = []
        pairs.reserveCapacity(metadata.count + 1)
        var size = 0
        for pair in metadata.pairs where !pair.value.isEmpty {
            guard let name = normalized(pair.name) else { return nil }
            var value = MetadataNames.normalize(value: pair.value)
            if !isRedacted {
                value = redactedValue(value, name: name)
                if value.isEmpty { continue }
            }
            size += name.count + value.count
            pairs.append(Label(name, value))
        }
        guard fits(pairs.count, size) else { return nil }
        var labels = Labels(pairs)
        if limits.discoverLogLevels {
            if let given = labels["detected_level"] {
                labels["detected_level"] = normalizedLevel(given)
            } else if let level = stream?.level ?? level(in: labels) {
                labels["detected_level"] = level
            } else if let number = labels["severity_number"] {
                labels["detected_level"] = number.withView { LogLevel(severityNumber: $0) }.text
            } else {
                labels["detected_level"] = LevelDetector.detect(line).text
            }
        }
        return batch.metadataSet(labels)
    }

    /// Whether metadata of so many pairs and bytes may be stored.
    private func fits(_ count: Int, _ size: Int) -> Bool {
        if limits.maxStructuredMetadataSize > 0, size > limits.maxStructuredMetadataSize {
            refuse(
                "structured_metadata_too_large",
                "stream '\(streamText)' has structured metadata too large: '\(size)' bytes, limit: "
                    + "'\(limits.maxStructuredMetadataSize)' bytes. Please see `limits_config.max_structured_metadata_size`"
                    + " or contact your Loki administrator to increase it")
            return false
        }
        let most = limits.maxStructuredMetadataEntriesCount
        if most > 0, count > most {
            refuse(
                "structured_metadata_too_many",
                "stream '\(streamText)' has too many structured metadata labels: '\(count)', limit: '\(most)'. "
                    + "Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki "
                    + "administrator to increase it")
            return false
        }
        return true
    }

    private func normalized(_ name: ByteString) -> ByteString? {
        if let known = names[name] { return known }
        do throws(MetadataNames.Failure) {
            let normalized = try MetadataNames.normalize(name)
            if names.count < 1024 { names[name] = normalized }
            return normalized
        } catch {
            if failure == nil { failure = error.message }
            refuse("invalid_metadata_name", error.message)
            return nil
        }
    }

    /// The value of the first level key among labels, normalised where it is a known word.
    private func level(in labels: Labels) -> ByteString? {
        guard labels.pairs.indices.contains(where: { labels.pairs[$0].name.withView { LevelDetector.isLevelKey($0) } })
        else { return nil }
        for key in LevelDetector.keys {
            if let value = labels[key], !value.isEmpty { return normalizedLevel(value) }
        }
        return nil
    }

    private func normalizedLevel(_ value: ByteString) -> ByteString {
        value.withView { LogLevel(word: $0) }.map(\.text) ?? value
    }

    // MARK: Redaction

    /// The line as it may be written, or nil when it must not be. The view is valid until the next call. `armour`: what is
    /// known of the lines before it.
    func redact(_ line: ByteView, _ armour: inout KeyArmour) -> ByteView? {
        guard let redactor = intake.redactor else { return line }
        redactedLine.reset()
        guard let scratch else {
            unscanned += 1
            return ByteView(Redactor.placeholder)
        }
        switch redactor.redact(line, scratch, into: redactedLine, armour: &armour) {
        case .clean: return line
        case .changed: redactedLines += 1
        case .dropped: return nil
        case .failed: break
        }
        return redactedLine.view
    }

    /// The labels with personal data and secrets in their values replaced.
    func redactedLabels(_ labels: Labels) -> Labels {
        guard intake.redactor != nil else { return labels }
        return Labels(
            labels.pairs.compactMap { pair in
                let value = redactedValue(pair.value, name: pair.name, of: .label)
                // `drop_field`.
                return value.isEmpty && !pair.value.isEmpty ? nil : Label(pair.name, value)
            })
    }

    func redactedValue(
        _ value: ByteString, name: ByteString, of target: RedactionScratch.Target = .metadata
    ) -> ByteString {
        guard let redactor = intake.redactor else { return value }
        guard let scratch else {
            unscanned += 1
            return ByteString(ByteView(Redactor.placeholder))
        }
        redactedText.reset()
        let outcome = value.withView { value in
            name.withView { name in redactor.redactValue(value, name: name, of: target, scratch, into: redactedText) }
        }
        switch outcome {
        case .clean: return value
        case .changed, .failed: return ByteString(redactedText.view)
        case .dropped: return ByteString(ByteView(Redactor.placeholder))
        }
    }

    // MARK: Refusals and the end

    private func refuse(_ reason: String, _ message: String?) {
        rejected += 1
        refusals[reason, default: 0] += 1
        if let message { note(message) }
    }

    /// Empties the batch, or leaves streams out, where the tenant or they are over their rate. A batch whose failure is
    /// certain spends nothing.
    private func limitRates() {
        guard failure == nil, !batch.isEmpty, limits.ingestionRateMB > 0 || limits.perStreamRateLimit > 0 else { return }
        let verdict = intake.rates.judge(batch, limits, at: intake.clock())
        guard verdict.refusedLines > 0 else { return }
        isRateLimited = true
        rejected += verdict.refusedLines
        refusals[verdict.reason, default: 0] += verdict.refusedLines
        for message in verdict.messages { note(message) }
        batch = verdict.rest
        acceptedBytes = batch.bytes.count
    }

    private func note(_ message: String) {
        if messages.count < Self.messagesMax, !messages.contains(message) { messages.append(message) }
    }

    private var streamText: String { stream?.labels.description ?? "{}" }

    private func rfc3339(_ nanoseconds: Int64) -> String { TimeText.rfc3339(nanoseconds) }

    /// Lines accepted so far and not yet taken.
    package var count: Int { batch.rows.count }
    /// Bytes of lines accepted so far and not yet taken.
    package var byteCount: Int { batch.bytes.count }

    /// The batch so far; the builder is empty afterwards.
    package func finish() -> IntakeResult {
        if isPush { limitRates() }
        intake.counters.lines.add(batch.rows.count)
        intake.counters.bytes.add(acceptedBytes)
        intake.counters.redacted.add(redactedLines)
        intake.redactionCounters?.take(scratch, unscanned: unscanned)
        if truncatedLines > 0 { intake.counters.truncated.add(truncatedLines) }
        for (reason, count) in refusals { intake.counters.refused(reason, lines: count) }
        let result = IntakeResult(
            batch: batch, rejectedLines: rejected, messages: messages, isRateLimited: isRateLimited, failure: failure)
        batch = WriteBatch(tenant: batch.tenant)
        levelSets = [UInt32?](repeating: nil, count: levelSets.count)
        messages = []
        failure = nil
        refusals = [:]
        (rejected, acceptedBytes, redactedLines, unscanned, truncatedLines) = (0, 0, 0, 0, 0)
        isRateLimited = false
        stream = nil
        prepared.removeAll(keepingCapacity: true)
        selected = nil
        setTimeLimits()
        return result
    }
}
