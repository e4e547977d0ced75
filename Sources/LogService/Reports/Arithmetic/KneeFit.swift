import Glibc

/// Where a latency leaves its plain: two straight lines that meet, fitted to latency over load.
///
/// Model: y = a + b·x + c·max(0, x − ψ), a continuous two-segment regression (Hinkley, Biometrika 56, 1969; Muggeo,
/// Statistics in Medicine 22, 2003). ψ is searched over a grid, a, b and c follow by least squares. Whether there is a knee at
/// all is a test with a break of unknown place, so the ordinary F table does not hold: the supremum of the Wald statistic is
/// compared with Andrews' critical value (Econometrica 61, 1993: one parameter, 15 % cut off at each end, 1 %: 12.35). The
/// interval of ψ holds the places whose residual sum is not significantly worse, RSS(ψ) ≤ RSS·(1 + F₀.₉₅(1, n − 4)/(n − 4)).
///
/// Minutes are not independent and their p95 has heavy tails, so the fit is not made on minutes but on the medians of
/// groups of minutes with neighbouring load: a burst of timeouts at low load moves no median.
package struct KneeFit: Sendable, Equatable {
    package struct Point: Sendable, Equatable {
        package var load: Double
        package var latency: Double

        package init(load: Double, latency: Double) {
            self.load = load
            self.latency = latency
        }
    }

    /// Load at the knee, and its 95 % interval.
    package var knee: Double
    package var low: Double
    package var high: Double
    /// Latency at the knee, and rise by unit of load before and behind it.
    package var latency: Double
    package var slopeBefore: Double
    package var slopeBehind: Double
    /// The supremum of the Wald statistic.
    package var statistic: Double

    package enum Refusal: Error, Sendable, Equatable {
        /// Fewer minutes than needed.
        case tooFew(minutes: Int, needed: Int)
        /// The load hardly varies: highest over lowest.
        case steadyLoad(ratio: Double)
        /// One straight line does as well, or the latency does not rise: the load went up to `highest`.
        case neverSaturates(highest: Double)
        /// There is a bend, but where cannot be said within the loads that were seen.
        case unclear(low: Double, high: Double)
    }

    package static let minutesMin = 60
    /// Groups of minutes; each has three or more.
    private static let groupsMax = 40
    private static let loadRatioMin = 1.5
    private static let critical = 12.35
    /// Share of groups at each end in which no break is looked for.
    private static let trimming = 0.15
    /// Behind the knee latency rises by at least so much of what it is there, over the loads that were seen: less is a bend,
    /// not saturation.
    private static let riseMin = 0.5

    /// One point a minute, in any order. O(n log n).
    package static func fit(_ minutes: [Point]) throws(Refusal) -> KneeFit {
        let points = minutes.filter { $0.load > 0 && $0.load.isFinite && $0.latency.isFinite }.sorted { $0.load < $1.load }
        guard points.count >= minutesMin else { throw .tooFew(minutes: points.count, needed: minutesMin) }
        let groups = medians(points)
        guard let first = groups.first, let last = groups.last, groups.count >= 8 else {
            throw .tooFew(minutes: points.count, needed: minutesMin)
        }
        let ratio = last.load / first.load
        guard ratio >= loadRatioMin else { throw .steadyLoad(ratio: ratio) }
        let n = Double(groups.count)
        guard let straight = line(groups), straight.residual > 0 else { throw .neverSaturates(highest: last.load) }
        let cut = max(2, Int(trimming * n))
        let (from, to) = (groups[cut].load, groups[groups.count - 1 - cut].load)
        guard from < to else { throw .steadyLoad(ratio: ratio) }
        let places = (0...200).map { from + (to - from) * Double($0) / 200 }
        let fits = places.compactMap { place in broken(groups, at: place).map { (place: place, fit: $0) } }
        guard let best = fits.min(by: { $0.fit.residual < $1.fit.residual }) else { throw .neverSaturates(highest: last.load) }
        // A perfect fit has no residual to compare with.
        let residual = max(best.fit.residual, straight.residual * 1e-9)
        let wald = (straight.residual - residual) / (residual / (n - 4))
        let behind = best.fit.b + best.fit.c
        let height = best.fit.a + best.fit.b * best.place
        guard wald >= critical, best.fit.c > 0, behind > 0, behind * (last.load - best.place) >= riseMin * max(height, 0) else {
            throw .neverSaturates(highest: last.load)
        }
        let limit = residual * (1 + square(student975(n - 4)) / (n - 4))
        let inside = fits.filter { $0.fit.residual <= limit }.map(\.place)
        let (low, high) = (inside.min() ?? best.place, inside.max() ?? best.place)
        // An interval that runs through the whole search says nothing.
        guard high - low < 0.8 * (to - from) else { throw .unclear(low: low, high: high) }
        return KneeFit(
            knee: best.place, low: low, high: high, latency: height, slopeBefore: best.fit.b, slopeBehind: behind,
            statistic: wald)
    }

    /// What the fit says for a load.
    package func predicted(_ load: Double) -> Double {
        latency + (load - knee) * (load < knee ? slopeBefore : slopeBehind)
    }

    /// Medians of groups of neighbouring load, of equal size. `points` ascend.
    static func medians(_ points: [Point]) -> [Point] {
        let groups = max(1, min(groupsMax, points.count / 3))
        return (0..<groups).compactMap { group in
            let part = points[points.count * group / groups..<points.count * (group + 1) / groups]
            guard let load = Quantile.of(part.map(\.load), 0.5), let latency = Quantile.of(part.map(\.latency), 0.5) else { return nil }
            return Point(load: load, latency: latency)
        }
    }

    private static func square(_ x: Double) -> Double { x * x }

    /// The 97.5 % point of Student's t (Cornish and Fisher), good to 1 % from four degrees of freedom on; its square is that of
    /// F with 1 and ν.
    static func student975(_ degrees: Double) -> Double {
        let z = 1.959964
        let z3 = z * z * z
        let z5 = z3 * z * z
        let v = max(degrees, 1)
        return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v)
    }

    private struct Coefficients {
        var a, b, c, residual: Double
    }

    private static func line(_ points: [Point]) -> Coefficients? { solve(points) { _ in 0 } }

    private static func broken(_ points: [Point], at place: Double) -> Coefficients? {
        solve(points) { max(0, $0 - place) }
    }

    /// Least squares of y on 1, x and h(x), by orthogonalising x and h in turn; where h adds nothing it gets 0.
    private static func solve(_ points: [Point], _ hinge: (Double) -> Double) -> Coefficients? {
        let n = Double(points.count)
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / n }
        func dot(_ u: [Double], _ v: [Double]) -> Double { zip(u, v).reduce(0) { $0 + $1.0 * $1.1 } }
        let (x, y, h) = (points.map(\.load), points.map(\.latency), points.map { hinge($0.load) })
        let (mx, my, mh) = (mean(x), mean(y), mean(h))
        let (xc, yc, hc) = (x.map { $0 - mx }, y.map { $0 - my }, h.map { $0 - mh })
        let xx = dot(xc, xc)
        guard xx > 0 else { return nil }
        let along = dot(hc, xc) / xx
        let hr = zip(hc, xc).map { $0 - along * $1 }
        let hh = dot(hr, hr)
        let c = hh > 1e-12 * max(xx, 1e-300) ? dot(hr, yc) / hh : 0
        let b = dot(xc, yc) / xx - c * along
        let a = my - b * mx - c * mh
        let residual = points.indices.reduce(0.0) { $0 + square(y[$1] - a - b * x[$1] - c * h[$1]) }
        return Coefficients(a: a, b: b, c: c, residual: residual)
    }
}
