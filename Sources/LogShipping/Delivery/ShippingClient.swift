import Bytes
import Disk
import LogModel
import Metrics
import NIOCore
import Synchronization

/// Ships batches to one Loki-compatible server, with retries, on its own: what goes wrong here is no other client's matter.
///
/// - `parallel` requests are under way at once, each with a queue; a stream always goes through the same one, and there the
///   next request waits for the one before, retries included: so a stream keeps its order.
/// - Without a spool a batch is reported when all of it has an outcome; with one as soon as it is on disk. Only then may its
///   positions move.
/// - Where there is no room left `submit` waits, or, where the client is not required, drops the batch and counts it.
package final class ShippingClient: Sendable {
    package enum Outcome: Sendable, Equatable {
        case accepted
        /// The server will never take it, or some of it: the answer's first line.
        case refused(String)
        /// Given up: attempts used up, or no room in the queue of a client that is not required.
        case dropped(String)
        /// Given up before it was delivered: it is to be sent again another time.
        case undelivered(String)
    }

    /// Requests in one queue, the one under way included: with 1 MiB a batch that bounds memory at a few MiB.
    private static let queueMax = 4
    /// With a spool the others wait on disk; one is read while the one before is under way.
    private static let queueMaxBeforeSpool = 2

    package let settings: ClientSettings
    private let lanes: [DeliveryQueue<Parcel, Outcome>]
    private let bodies: PushBody
    private let transport: Transport
    private let tokens: TokenSource?
    private let meter: ShippingMeter
    private let identity: String
    private let sequence = Atomic<UInt64>(0)
    private let spool: Spool?
    private let feeder = Mutex<Worker?>(nil)
    /// Batches that go past a spool whose disk does not take them, and have no outcome yet. Nothing is spooled meanwhile: the
    /// next record would carry positions behind theirs, and after a kill these are believed.
    private let passing = Monitor(0)
    private let givenUp = Atomic<Bool>(false)
    private let lost = Atomic<Bool>(false)
    /// Entries of a client that is not required, under way without a spool: reported as accepted, and counted nowhere else.
    private let inFlight = Atomic<Int>(0)
    private let said = Mutex<(words: String, since: ContinuousClock.Instant?)>(("", nil))
    private let report: @Sendable (String) -> Void

    /// `report` gets one line a failed attempt, for the log. `identity`: names this run in batch headers where no spool does.
    /// `environment` looks up variables that name proxies.
    package init(
        _ settings: ClientSettings, registry: Registry, identity: String, spool: Spool? = nil, promtailNames: Bool = false,
        environment: (String) -> String? = { _ in nil }, report: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.identity = identity
        self.spool = spool
        self.report = report
        bodies = PushBody(externalLabels: settings.externalLabels)
        let meter = ShippingMeter(registry, settings, promtailNames: promtailNames)
        self.meter = meter
        transport = Transport(
            url: settings.url, timeout: settings.timeout, tls: settings.tls, proxy: settings.proxy,
            followsRedirects: settings.followsRedirects, connections: max(8, settings.parallel), environment: environment)
        if case .oauth2(let oauth) = settings.authorization {
            tokens = TokenSource(
                oauth,
                transport: Transport(
                    url: oauth.tokenURL, timeout: settings.timeout, tls: oauth.tls, proxy: oauth.proxy,
                    followsRedirects: true, connections: 1, environment: environment))
        } else {
            tokens = nil
        }
        let courier = Courier(
            settings: settings, transport: transport, tokens: tokens,
            letters: settings.deadLetters.map { DeadLetterFile($0) }, meter: meter, report: report)
        let givenUpWords = "\(Destination.origin(of: settings.url)): stopped before it was sent"
        lanes = (0..<max(settings.parallel, 1)).map { _ in
            DeliveryQueue(
                waitingMax: spool == nil ? Self.queueMax : Self.queueMaxBeforeSpool, givenUp: .undelivered(givenUpWords)
            ) { await courier.deliver($0) }
        }
        if let spool {
            meter.watch(spool: spool)
            if spool.damagedParts > 0 { meter.damaged(spool.damagedParts) }
            let worker = Worker("spool") { [self] in feed(spool) }
            feeder.withLock { $0 = worker }
        }
    }

    /// Whether the thread that reads its spool could be had. Before the first `submit`.
    package var hasThreads: Bool { spool == nil || feeder.withLock { $0 != nil } }

    /// Encodes the batch and hands it over; blocks where there is no room. Not for the cooperative pool.
    /// `advances`: the positions that the batch brings its sources to, for the spool to keep.
    package func submit(
        _ batch: WriteBatch, advances: [Spool.Advance] = [], completion: @escaping @Sendable (Outcome) -> Void
    ) {
        var parcels: [Parcel] = []
        var refused: String?
        for part in TenantParts.of(batch) where !part.batch.isEmpty {
            guard let tenant = tenant(of: part, &refused) else { continue }
            for (shard, rows) in StreamShards.of(part.batch, count: lanes.count) {
                for piece in BatchPieces.of(rows, sizeMax: settings.batchSize) {
                    parcels.append(
                        Parcel(
                            body: bodies.snappy(piece), entries: piece.rows.count, bytes: piece.bytes.count, tenant: tenant,
                            batchHeader: "", shard: shard))
                }
            }
        }
        if let spool {
            var sequences = spool.sequences(parcels.count)
            var numbers: [UInt64] = []
            for index in parcels.indices {
                numbers.append(sequences)
                parcels[index].batchHeader = spool.header(sequences)
                sequences += 1
            }
            let outcome = refused.map { Outcome.refused($0) }
            keep(parcels, numbers, advances, in: spool) { completion(outcome ?? $0) }
            return
        }
        for index in parcels.indices {
            parcels[index].batchHeader = "\(identity)/0/\(sequence.add(1, ordering: .relaxed).newValue)"
        }
        let tally = OutcomeTally(parcels.count + 1, completion)
        tally.add(refused.map { .refused($0) } ?? .accepted)
        for parcel in parcels { send(parcel) { tally.add($0) } }
    }

    /// nil, and the reason: what is no tenant would be refused by every server; as a header it might be something else
    /// altogether.
    private func tenant(of part: TenantParts.Part, _ refused: inout String?) -> String? {
        guard let named = part.tenant?.string else {
            return part.batch.tenant == .fake ? settings.tenantID : part.batch.tenant.name
        }
        if Tenant(named) != nil { return named }
        meter.refused(entries: part.batch.rows.count, bytes: part.batch.bytes.count, tenant: "")
        lost.store(true, ordering: .relaxed)
        refused = "\(GoQuote.quote(named)) is no tenant: 1 to 150 letters, digits and !-_.*'()"
        return nil
    }

    // MARK: From memory

    private func send(_ parcel: Parcel, _ completion: @escaping @Sendable (Outcome) -> Void) {
        let lane = lanes[parcel.shard % lanes.count]
        let entries = parcel.entries
        if settings.isRequired {
            lane.submit(parcel, done: completion)
            return
        }
        let (bytes, tenant) = (parcel.bytes, parcel.tenant)
        inFlight.add(entries, ordering: .relaxed)
        let isTaken = lane.trySubmit(parcel) { [self] outcome in
            // Positions have moved: nobody reads these lines again.
            if case .undelivered = outcome { meter.dropped(entries: entries, bytes: bytes, tenant: tenant, reason: "stopped") }
            if outcome != .accepted { lost.store(true, ordering: .relaxed) }
            inFlight.subtract(entries, ordering: .relaxed)
            completion(outcome)
        }
        if !isTaken {
            inFlight.subtract(entries, ordering: .relaxed)
            completion(drop([parcel]))
        }
    }

    private func drop(_ parcels: [Parcel]) -> Outcome {
        var entries = 0
        for parcel in parcels {
            entries += parcel.entries
            meter.dropped(entries: parcel.entries, bytes: parcel.bytes, tenant: parcel.tenant, reason: "queue_full")
        }
        lost.store(true, ordering: .relaxed)
        let words = "there is no room left for \(Destination.origin(of: settings.url)), which is not required"
        sayOnceAMinute("\(words): \(entries) lines are dropped, and more may follow")
        return .dropped(words)
    }

    /// What holds for a while is said when it begins, and then now and again.
    private func sayOnceAMinute(_ words: String) {
        let isNews = said.withLock { said in
            let now = ContinuousClock.now
            if let since = said.since, said.words.prefix(24) == words.prefix(24), now - since < .seconds(60) { return false }
            said = (words, now)
            return true
        }
        if isNews { report(words) }
    }

    // MARK: Through the spool

    /// Waits until the record is on disk, by the rules for a full one.
    private func keep(
        _ parcels: [Parcel], _ sequences: [UInt64], _ advances: [Spool.Advance], in spool: Spool,
        _ completion: @escaping @Sendable (Outcome) -> Void
    ) {
        while mayGoOn() {
            if parcels.isEmpty {
                // Positions alone: should they not find room, then the positions file has them soon.
                if !advances.isEmpty { _ = spool.append(advances, [], []) }
                completion(.accepted)
                return
            }
            let room = "the spool in \(spool.settings.directory) is full"
            switch spool.append(advances, parcels, sequences) {
            case .stored:
                completion(.accepted)
                return
            case .full:
                if spool.settings.whenFull == .dropOldest {
                    let entries = spool.makeRoom()
                    if entries > 0 {
                        meter.dropped(entries: entries, bytes: 0, tenant: "", reason: "queue_full")
                        lost.store(true, ordering: .relaxed)
                        sayOnceAMinute("\(room): the oldest \(entries) lines are dropped, and more may follow")
                    }
                    continue
                }
                if !settings.isRequired {
                    completion(drop(parcels))
                    return
                }
                sayOnceAMinute("\(room): reading waits until \(Destination.origin(of: settings.url)) takes something")
                spool.waitForRoom()
            case .failed(let words):
                // A disk that does not take it is no reason to stop: with nothing before it the batch may go straight.
                sayOnceAMinute("a batch does not go through the spool: \(words)")
                if spool.isEmpty {
                    passing.change { $0 += 1 }
                    let tally = OutcomeTally(parcels.count) { [passing] outcome in
                        completion(outcome)
                        passing.change { $0 -= 1 }
                    }
                    for parcel in parcels { send(parcel) { tally.add($0) } }
                    return
                }
                if !settings.isRequired {
                    completion(drop(parcels))
                    return
                }
                spool.waitForRoom()
            }
        }
        completion(.undelivered("\(Destination.origin(of: settings.url)): stopped before it was spooled"))
    }

    /// Waits, where positions depend on it, until what passes the spool by has an outcome. False: given up.
    private func mayGoOn() -> Bool {
        if settings.isRequired { _ = passing.wait { $0 == 0 ? true : nil } }
        return !givenUp.load(ordering: .relaxed)
    }

    /// The feeder's thread: records in their order into the queues.
    private func feed(_ spool: Spool) {
        while let (ordinal, parcels) = spool.next(unreadable: { [self] in missed($0) }) {
            guard !parcels.isEmpty else {
                spool.done(ordinal)
                continue
            }
            let tally = OutcomeTally(parcels.count) { [self] outcome in
                switch outcome {
                case .accepted: break
                case .refused(let words):
                    lost.store(true, ordering: .relaxed)
                    report("refused for good: \(words)")
                case .dropped(let words):
                    lost.store(true, ordering: .relaxed)
                    report("a batch is dropped: \(words)")
                // It stays, and a later run sends it under its number.
                case .undelivered: return
                }
                spool.done(ordinal)
            }
            for parcel in parcels { lanes[parcel.shard % lanes.count].submit(parcel) { tally.add($0) } }
        }
    }

    /// Entries of the spool that its disk does not give back.
    private func missed(_ entries: Int) {
        meter.dropped(entries: entries, bytes: 0, tenant: "", reason: "unreadable")
        lost.store(true, ordering: .relaxed)
    }

    /// Entries that were reported as accepted and are not acknowledged there.
    package var backlog: Int { (spool?.summary.entries ?? 0) + inFlight.load(ordering: .relaxed) }
    package var hasSpool: Bool { spool != nil }
    /// Whether lines were refused or dropped that had been reported as accepted, or were no concern of the positions.
    package var hasLost: Bool { lost.load(ordering: .relaxed) }

    // MARK: The end

    /// From now on nothing is tried again: what is under way and what follows ends soon as undelivered.
    package func giveUp() {
        givenUp.store(true, ordering: .relaxed)
        spool?.giveUp()
        for lane in lanes { lane.giveUp() }
    }

    /// Gives up, and lets go of the spool before it returns; connections end by themselves. For a client to which nothing
    /// was submitted.
    package func abandon() {
        giveUp()
        takeFeeder()?.join()
        spool?.close()
        meter.unwatchSpool()
        Task.detached { await self.close() }
    }

    private func takeFeeder() -> Worker? {
        feeder.withLock { feeder in
            defer { feeder = nil }
            return feeder
        }
    }

    /// Ends after everything submitted has been reported, and what is spooled has been sent or given up.
    package func close() async {
        if let spool {
            spool.finish()
            if let worker = takeFeeder() { await Blocking.run { worker.join() } }
        }
        for lane in lanes { await lane.drain() }
        if let spool {
            await Blocking.run { spool.close() }
            meter.unwatchSpool()
        }
        await transport.shutdown()
        await tokens?.shutdown()
    }
}
