import LogModel

extension FieldColumn {
    /// The rows of some spans of a stretch.
    func picking(_ spans: [Range<Int>], of stretch: Range<Int>) -> FieldColumn {
        let places = spans.flatMap { span in span.map { $0 - stretch.lowerBound } }
        var present = Bitmap(count: places.count)
        var open = Bitmap(count: places.count)
        for (row, place) in places.enumerated() {
            if self.present[place] { present[row] = true }
            if self.open[place] { open[row] = true }
        }
        switch values {
        case .numbers(let numbers):
            return FieldColumn(values: .numbers(places.map { numbers[$0] }), present: present, open: open)
        case .texts(let codes, let table):
            return FieldColumn(values: .texts(places.map { codes[$0] }, table), present: present, open: open)
        }
    }
}
