/// Up to 19 decimal digits, four bits each, without an allocation.
struct InlineDigits {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private(set) var count = 0

    mutating func append(_ digit: UInt8) -> Bool {
        guard count < CardDetector.digitsMax else { return false }
        if count < 16 {
            low |= UInt64(digit & 15) << UInt64(4 * count)
        } else {
            high |= UInt64(digit & 15) << UInt64(4 * (count - 16))
        }
        count += 1
        return true
    }

    subscript(index: Int) -> Int {
        index < 16 ? Int(low >> UInt64(4 * index) & 15) : Int(high >> UInt64(4 * (index - 16)) & 15)
    }

    func prefix(_ length: Int) -> Int {
        var value = 0
        for i in 0..<min(length, count) { value = value * 10 + self[i] }
        return value
    }

    var allEqual: Bool {
        for i in 1..<max(1, count) where self[i] != self[0] { return false }
        return true
    }
}
