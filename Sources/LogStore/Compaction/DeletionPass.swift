import Disk
import LogModel
import Metrics

/// Takes the lines of delete requests off the disk. Owned by the compactor's thread.
///
/// Invariants:
/// - A request is finished only when, in one snapshot, no segment holds a line of it and no head a stream of it in its
///   time, and the log has let go of the records that these segments were made from. Until then queries hide its lines,
///   whatever happens to the process.
/// - Nothing here needs to be remembered: after a crash the segments are looked through again, and those that were
///   rewritten have nothing more to drop.
struct DeletionPass {
    private let core: StoreCore
    /// Of each open request, segments that hold no line of it.
    private var clean: [String: Set<UInt64>] = [:]
    /// Segments that cannot be read, so that nobody can say what they hold: their requests stay open.
    private var unreadable: Set<UInt64> = []
    /// Of each request that no segment and no head holds a line of: the last record that may.
    private var lastRecord: [String: UInt64] = [:]

    init(core: StoreCore) { self.core = core }

    /// Requests whose time has come. `all`: the cancel period is enough; `atOnce`: not even that.
    private func due(_ open: [DeleteRequest], now: Int64, all: Bool, atOnce: Bool) -> [DeleteRequest] {
        if atOnce { return open }
        let settings = core.settings
        let settled = open.filter { !overflows(now, $0.createdAt, settings.deleteCancelPeriod) }
        if all { return settled }
        let wait = settings.deleteCancelPeriod.addingReportingOverflow(settings.deleteWithin / 2)
        // One that is due takes the others along: a segment is rewritten for all of them together.
        let isTime = !wait.overflow && settled.contains { !overflows(now, $0.createdAt, wait.partialValue) }
        return isTime ? settled : []
    }

    /// Whether `now` lies less than `span` behind `then`.
    private func overflows(_ now: Int64, _ then: Int64, _ span: Int64) -> Bool {
        let (age, overflow) = now.subtractingReportingOverflow(then)
        return overflow ? now < then : age < span
    }

    mutating func run(
        _ deletions: StoreDeletions, _ judge: any DeletionJudge, now: Int64, all: Bool, atOnce: Bool,
        vacateLog: () -> UInt64?, isStopping: () -> Bool
    ) throws(StoreError) {
        let open = deletions.all.filter { !$0.isProcessed && judge.removes($0.tenant) }
        core.metrics.deleteRequests.set(open.count)
        clean = clean.filter { known in open.contains { $0.id == known.key } }
        let due = due(open, now: now, all: all, atOnce: atOnce)
        guard !due.isEmpty else { return }
        for segment in core.snapshot().segments {
            if isStopping() { return }
            let concerned = due.filter { concerns($0, segment) }
            if !concerned.isEmpty { try handle(segment, concerned, judge, isStopping) }
        }
        let view = core.snapshot()
        var done: Set<String> = []
        for request in due where !view.segments.contains(where: { concerns(request, $0) }) {
            if try !isInHead(request, judge, view) { done.insert(request.id) }
        }
        if !done.isEmpty {
            lastRecord = lastRecord.filter { done.contains($0.key) }
            // Read after the snapshot: what that has in segments is at most this.
            for id in done where lastRecord[id] == nil { lastRecord[id] = core.manifest.floor }
            guard let oldest = vacateLog() else { return }
            done = done.filter { oldest > lastRecord[$0] ?? .max }
        }
        if !done.isEmpty {
            try deletions.finish(done, now: now)
            core.metrics.deleteRequests.set(open.count - done.count)
        }
    }

    private func concerns(_ request: DeleteRequest, _ segment: Segment) -> Bool {
        segment.info.rows > 0 && request.start <= segment.info.last && segment.info.first <= request.end
            && !(clean[request.id]?.contains(segment.info.number) ?? false)
    }

    private mutating func handle(
        _ segment: Segment, _ requests: [DeleteRequest], _ judge: any DeletionJudge, _ isStopping: () -> Bool
    ) throws(StoreError) {
        guard !unreadable.contains(segment.info.number) else { return }
        let rewriting = Rewriting(core: core)
        let picks: Bool?
        do { picks = try rewriting.picksAnything(segment, try judge.sieve(requests), isStopping: isStopping) } catch {
            throw StoreError(.invalid, "delete requests \(requests.map(\.id).joined(separator: ", ")): \(error)")
        }
        if isStopping() { return }
        guard picks == true else {
            if picks == nil { unreadable.insert(segment.info.number) } else { note(segment.info.number, requests.map(\.id)) }
            return
        }
        // A rewrite needs the room of its input until that is gone. Without it, another time.
        if let space = try? core.disk.space(at: core.settings.directory),
            space.free < segment.size + core.settings.freeSpaceMin
        {
            return
        }
        let sieve: any RowSieve
        do { sieve = try judge.sieve(requests) } catch { throw StoreError(.invalid, "\(error)") }
        do throws(Merging.Failure) {
            let outcome = try rewriting.rewrite(segment, without: sieve, isStopping: isStopping)
            core.metrics.deletedLines.add(outcome.dropped)
            if let output = outcome.segment?.info.number {
                let before = clean.filter { $0.value.contains(segment.info.number) }.map(\.key)
                note(output, requests.map(\.id) + before)
            }
        } catch {
            guard error.input != nil else { throw error.error }
            core.damage.add(error.error.message)
            core.count()
            unreadable.insert(segment.info.number)
        }
    }

    private mutating func note(_ segment: UInt64, _ ids: [String]) {
        for id in ids { clean[id, default: []].insert(segment) }
    }

    /// Whether rows that are in no segment yet may be meant.
    private func isInHead(
        _ request: DeleteRequest, _ judge: any DeletionJudge, _ view: Snapshot
    ) throws(StoreError) -> Bool {
        let batches = view.heads.flatMap(\.batches).filter {
            !$0.rows.isEmpty && $0.tenant == request.tenant && request.start <= $0.last && $0.first <= request.end
        }
        guard !batches.isEmpty else { return false }
        let sieve: any RowSieve
        do { sieve = try judge.sieve([request]) } catch { throw StoreError(.invalid, "delete request \(request.id): \(error)") }
        let streams = core.streams.all()
        return batches.contains { batch in
            batch.runs.contains { run in
                request.start <= run.last && run.first <= request.end
                    && sieve.begin(batch.tenant, streams[Int(run.stream)].labels) != nil
            }
        }
    }
}
