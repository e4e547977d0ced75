import Bytes
import LogModel

/// Samples of a text exposition, for `tailrace top`. Lines that are none are passed over.
struct MetricsText {
    struct Sample: Equatable {
        var name: String
        var labels: Labels
        var value: Double
    }

    private(set) var samples: [Sample] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let sample = Self.sample(line) else { continue }
            samples.append(sample)
        }
    }

    func all(_ name: String) -> [Sample] { samples.filter { $0.name == name } }
    /// Of all series of a name.
    func sum(_ name: String) -> Double { all(name).reduce(0) { $0 + $1.value } }

    private static func sample(_ line: Substring) -> Sample? {
        guard let open = line.firstIndex(of: "{") else {
            let parts = line.split(separator: " ")
            guard parts.count >= 2, let value = Double(parts[1]) else { return nil }
            return Sample(name: String(parts[0]), labels: Labels(), value: value)
        }
        var labels = Labels()
        var at = line.index(after: open)
        while at < line.endIndex, line[at] != "}" {
            guard let equals = line[at...].firstIndex(of: "="), line.index(after: equals) < line.endIndex,
                line[line.index(after: equals)] == "\""
            else { return nil }
            let name = line[at..<equals]
            var value = ""
            var next = line.index(equals, offsetBy: 2)
            while next < line.endIndex, line[next] != "\"" {
                if line[next] == "\\", line.index(after: next) < line.endIndex {
                    next = line.index(after: next)
                    value.append(line[next] == "n" ? "\n" : line[next])
                } else {
                    value.append(line[next])
                }
                next = line.index(after: next)
            }
            guard next < line.endIndex else { return nil }
            labels[ByteString(String(name))] = ByteString(value)
            at = line.index(after: next)
            if at < line.endIndex, line[at] == "," { at = line.index(after: at) }
        }
        guard at < line.endIndex, let word = line[line.index(after: at)...].split(separator: " ").first, let value = Double(word) else {
            return nil
        }
        return Sample(name: String(line[..<open]), labels: labels, value: value)
    }
}
