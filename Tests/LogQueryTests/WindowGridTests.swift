import LogModel
import Testing

@testable import LogQuery

@Suite struct WindowGridTests {
    /// (start, step, count, range, offset)
    static let grids: [(Int64, Int64, Int, Int64, Int64)] = [
        (0, 10, 5, 10, 0), (0, 10, 5, 30, 0), (0, 10, 5, 25, 0), (0, 10, 5, 3, 0), (7, 13, 4, 40, 5),
        (100, 7, 1, 9, -3),
        (-50, 10, 9, 100, 20), (3, 5, 6, 1, 0), (3, 5, 6, 5, -12),
    ]

    /// The cell of a sample is exactly the set of windows (T − o − R, T − o] that hold it.
    @Test(arguments: grids) func cellsAreTheWindowsThatHoldASample(_ g: (Int64, Int64, Int, Int64, Int64)) {
        let (start, step, count, range, offset) = g
        let grid = WindowGrid(steps: StepGrid(start: start, step: step, count: count), range: range, offset: offset)
        let scanned = grid.scanned
        var finder = CellFinder(grid)
        for time in Int64(-300)...300 {
            let holding = (0..<count).filter { i in
                let end = start + Int64(i) * step - offset
                return time > end - range && time <= end
            }
            guard scanned.contains(Timestamp(nanoseconds: time)) else {
                #expect(holding.isEmpty, "time \(time) is scanned")
                continue
            }
            for cell in [grid.cell(at: time), finder.cell(at: time)] {
                #expect(Array(Int(cell.first)..<max(Int(cell.first), Int(cell.end))) == holding, "time \(time)")
            }
        }
        // In any order, too: the finder's shortcut must not depend on it.
        for time in [Int64(5), -40, 17, 16, 3, 99, 98, 12, 11, 10, 9]
        where scanned.contains(Timestamp(nanoseconds: time)) {
            #expect(finder.cell(at: time) == grid.cell(at: time))
        }
    }

    @Test func theEndsOfTheCalendarDoNotTrap() {
        for (start, offset) in [
            (Int64.max, Int64(0)), (.min, 0), (.max, .min), (.min, .max), (4_000_000_000_000_000_000, 0),
        ] {
            let grid = WindowGrid(
                steps: StepGrid(start: start, step: 1_000, count: 11_000),
                range: .max,
                offset: offset
            )
            let scanned = grid.scanned
            #expect(scanned.start <= scanned.end)
            _ = grid.cell(at: scanned.start.nanoseconds)
            var finder = CellFinder(grid)
            _ = finder.cell(at: .max)
            _ = finder.cell(at: .min)
        }
    }
}
