import Disk
import LogModel
import Metrics

/// The thread that reads everything stored again and compares it with its checksums, a segment at a time, below the
/// priority of everything else. Damage is told before anybody needs what is damaged, while there may still be a copy.
///
/// A damaged segment stays: queries leave out what cannot be read of it and serve the rest, and merges pass it over.
final class Scrubber: Sendable {
    private struct State {
        var isStopping = false
        var requests: [@Sendable () -> Void] = []
    }

    private let core: StoreCore
    private let monitor = Monitor(State())
    /// How often it looks whether something is due, at most.
    private static let glance: Int64 = 600_000_000_000

    init(core: StoreCore) { self.core = core }

    func stop() { monitor.change { $0.isStopping = true } }

    /// Checks all segments now and calls back.
    func request(_ reply: @escaping @Sendable () -> Void) {
        let isStopping = monitor.change { state in
            if !state.isStopping { state.requests.append(reply) }
            return state.isStopping
        }
        if isStopping { reply() }
    }

    func run() {
        Worker.lowerPriority()
        var random = SystemRandomNumberGenerator()
        var schedule = core.settings.scrubPeriod.map { ScrubSchedule(period: $0, now: core.clock.monotonic) }
        while true {
            let segments = core.snapshot().segments.map(\.info.number)
            let wait = schedule.flatMap { $0.wait(segments, now: core.clock.monotonic) }
            let work = monitor.wait(timeout: min(wait ?? Self.glance, Self.glance)) {
                state -> (end: Bool, requests: [@Sendable () -> Void])? in
                guard state.isStopping || !state.requests.isEmpty else { return nil }
                defer { state.requests = [] }
                return (state.isStopping, state.requests)
            }
            if let work {
                if !work.end { for number in core.snapshot().segments.map(\.info.number) { check(number) } }
                for reply in work.requests { reply() }
                if work.end { return }
                continue
            }
            let present = core.snapshot().segments.map(\.info.number)
            let now = core.clock.monotonic
            guard let due = schedule?.wait(present, now: now), due == 0,
                let number = schedule?.next(present, using: &random)
            else { continue }
            check(number)
            schedule?.note(number, of: present, now: core.clock.monotonic)
        }
    }

    private var isStopping: Bool { monitor.withLock { $0.isStopping } }

    private func check(_ number: UInt64) {
        guard let segment = core.snapshot().segments.first(where: { $0.info.number == number }) else { return }
        // Its own codecs: dictionaries kept for queries would hide what has become of the disk.
        let result = SegmentCheck.run(segment, codecs: CodecPool()) { !isStopping }
        if isStopping { return }
        core.metrics.scrubbedSegments.add()
        core.metrics.scrubbedBytes.add(segment.size)
        guard !result.findings.isEmpty else { return }
        core.metrics.scrubFindings.add(result.findings.count)
        for finding in result.findings {
            core.damage.add(finding.lost > 0 ? "\(finding.message) (\(finding.lost) lines)" : finding.message)
        }
        core.count()
    }
}
