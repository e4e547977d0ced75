import Bytes
import LogModel

/// The series of `absent_over_time`: one, where nothing else is.
enum AbsentSeries {
    /// Labels that the selector names by equality. A name used twice, or with another operator, is left out: nobody can
    /// say what its value would have been.
    static func labels(of matchers: [LabelMatcher]) -> Labels {
        var count: [ByteString: Int] = [:]
        for matcher in matchers { count[matcher.name, default: 0] += 1 }
        return Labels(
            matchers.filter { $0.op == .equal && !$0.value.isEmpty && count[$0.name] == 1 }.map {
                Label($0.name, $0.value)
            }
        )
    }

    /// 1 at each instant whose window holds no sample.
    static func series(_ matchers: [LabelMatcher], present: [Double]) -> [StepSeries] {
        let absent = StepSeries(labels: labels(of: matchers), values: present.map { $0.isGap ? 1 : .gap })
        return absent.isEmpty ? [] : [absent]
    }
}
