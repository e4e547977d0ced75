import LogModel

/// Which windows a sample belongs to.
///
/// The window of instant T with offset o and range R is (T − o − R, T − o]. For a sample at time t the instants whose
/// window holds it are an interval of steps, `first..<end`; both ends grow with t. Samples with equal intervals are
/// interchangeable and share a cell, so that memory depends on the number of instants, not of samples.
struct WindowGrid: Sendable {
    let steps: StepGrid
    /// Nanoseconds, > 0.
    let range: Int64
    /// Nanoseconds; negative looks into the future.
    let offset: Int64

    /// The interval of steps of one sample.
    struct Cell: Equatable, Comparable {
        var first: Int32
        var end: Int32

        @inline(__always) var isEmpty: Bool { first >= end }
        /// Cells of one grid, ordered by time.
        @inline(__always) static func < (a: Cell, b: Cell) -> Bool { a.first + a.end < b.first + b.end }
    }

    /// Times of samples that belong to any window.
    var scanned: TimeRange {
        let low = Timestamp(nanoseconds: steps.start).advanced(by: negated(offset)).advanced(by: negated(range))
            .advanced(by: 1)
        let high = Timestamp(nanoseconds: steps.time(steps.count - 1)).advanced(by: negated(offset)).advanced(by: 1)
        return TimeRange(low, high)
    }

    /// O(1). `time` must lie in `scanned`.
    func cell(at time: Int64) -> Cell {
        if steps.count == 1 { return Cell(first: 0, end: 1) }
        // Times of the scanned range lie within range + (count − 1)·step of the start; the wrapping operators only
        // matter at the ends of the calendar, where the clamp below keeps the answer inside the grid.
        let distance = (time &+ offset) &- steps.start
        return Cell(first: clamped(distance), end: clamped(distance &+ range))
    }

    /// ⌈distance / step⌉ within 0...count.
    @inline(__always)
    private func clamped(_ distance: Int64) -> Int32 {
        if distance <= 0 { return 0 }
        let (quotient, remainder) = distance.quotientAndRemainder(dividingBy: steps.step)
        return Int32(truncatingIfNeeded: min(Int64(steps.count), quotient + (remainder > 0 ? 1 : 0)))
    }

    private func negated(_ value: Int64) -> Int64 { value == .min ? .max : -value }
}

/// Finds the cells of samples that mostly come in time order: the last answer is kept with the span of time it is for.
struct CellFinder {
    let grid: WindowGrid
    private var low: Int64 = .max
    private var high: Int64 = .min
    private var last = WindowGrid.Cell(first: 0, end: 0)

    init(_ grid: WindowGrid) { self.grid = grid }

    @inline(__always)
    mutating func cell(at time: Int64) -> WindowGrid.Cell {
        if time > low && time <= high { return last }
        return find(time)
    }

    /// The cell of a time, and the last time that lies in the same one.
    mutating func stretch(at time: Int64) -> (cell: WindowGrid.Cell, last: Int64) {
        let cell = cell(at: time)
        return (cell, high)
    }

    private mutating func find(_ time: Int64) -> WindowGrid.Cell {
        let cell = grid.cell(at: time)
        last = cell
        if grid.steps.count == 1 {
            low = .min
            high = .max
            return cell
        }
        // The next border in each direction: where `first` changes and where `end` changes, above and below.
        let step = grid.steps.step
        let distance = (time &+ grid.offset) &- grid.steps.start
        let shifted = distance &+ grid.range
        let up = min(toNext(distance, step), toNext(shifted, step))
        let down = min(toPrevious(distance, step), toPrevious(shifted, step))
        high = time.addingReportingOverflow(up).overflow ? .max : time + up
        low = time.subtractingReportingOverflow(down).overflow ? .min : time - down
        return cell
    }

    /// How far up a distance may move within its step (k−1)·step < d ≤ k·step.
    private func toNext(_ distance: Int64, _ step: Int64) -> Int64 {
        let remainder = floorMod(distance, step)
        return remainder == 0 ? 0 : step - remainder
    }

    /// How far down until the step below begins (exclusive border).
    private func toPrevious(_ distance: Int64, _ step: Int64) -> Int64 {
        let remainder = floorMod(distance, step)
        return remainder == 0 ? step : remainder
    }

    private func floorMod(_ a: Int64, _ b: Int64) -> Int64 {
        let r = a % b
        return r < 0 ? r + b : r
    }
}
