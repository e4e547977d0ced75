import Bytes
import LogModel

/// An answer of Loki's query endpoints, read back from JSON: whichever server wrote it.
package struct LokiAnswer: Sendable {
    package struct Line: Sendable, Equatable {
        package var timestamp: Int64
        package var labels: Labels
        package var text: ByteString
    }

    package struct Point: Sendable, Equatable {
        package var seconds: String
        package var value: String
    }

    package enum Result: Sendable {
        /// In the order asked for, over all streams.
        case lines([Line])
        /// Series of a metric query; an instant vector has one point each.
        case series([(labels: Labels, points: [Point])])
    }

    package var result: Result

    /// Throws with words for the user when the body is not such an answer.
    package static func parse(_ body: ByteView, direction: Direction) throws(DecodeError) -> LokiAnswer {
        var cursor = JSONCursor(capacity: 4096)
        do { try cursor.scan(body) } catch { throw DecodeError("the answer is not JSON: \(error)") }
        let document = JSONDocument(cursor: cursor, text: body)
        guard let data = document.member("data", of: 0), let type = document.member("resultType", of: data),
            let result = document.member("result", of: data)
        else { throw DecodeError("the answer has no data.result: is this a Loki server?") }
        switch document.text(type).string {
        case "streams": return LokiAnswer(result: .lines(lines(document, result, direction)))
        case "matrix": return LokiAnswer(result: .series(series(document, result, pointsKey: "values")))
        case "vector": return LokiAnswer(result: .series(series(document, result, pointsKey: "value")))
        case "scalar": return LokiAnswer(result: .series([(Labels(), [point(document, result)])]))
        case let other: throw DecodeError("the answer is of an unknown type: \(other)")
        }
    }

    private static func lines(_ document: JSONDocument, _ result: Int, _ direction: Direction) -> [Line] {
        var lines: [Line] = []
        for stream in document.items(of: result) {
            let labels = document.member("stream", of: stream).map { document.labels($0) } ?? Labels()
            guard let values = document.member("values", of: stream) else { continue }
            for value in document.items(of: values) {
                let parts = document.items(of: value)
                guard parts.count >= 2, let time = Int64(document.text(parts[0]).string) else { continue }
                lines.append(Line(timestamp: time, labels: labels, text: document.text(parts[1])))
            }
        }
        // Each stream is in order already; a stable merge by time keeps that order within equal times.
        let ranked = lines.enumerated().sorted { a, b in
            a.element.timestamp == b.element.timestamp
                ? a.offset < b.offset
                : (direction == .forward ? a.element.timestamp < b.element.timestamp : a.element.timestamp > b.element.timestamp)
        }
        return ranked.map(\.element)
    }

    private static func series(
        _ document: JSONDocument, _ result: Int, pointsKey: String
    ) -> [(labels: Labels, points: [Point])] {
        document.items(of: result).map { item in
            let labels = document.member("metric", of: item).map { document.labels($0) } ?? Labels()
            guard let values = document.member(pointsKey, of: item) else { return (labels, []) }
            let points = pointsKey == "value" ? [point(document, values)] : document.items(of: values).map { point(document, $0) }
            return (labels, points)
        }
    }

    private static func point(_ document: JSONDocument, _ pair: Int) -> Point {
        let parts = document.items(of: pair)
        guard parts.count == 2 else { return Point(seconds: "", value: "") }
        return Point(seconds: document.text(parts[0]).string, value: document.text(parts[1]).string)
    }
}

/// Walks a JSON tape. Token numbers are positions in it; asking for what is not there gives nothing.
package struct JSONDocument {
    let cursor: JSONCursor
    let text: ByteView

    package init(cursor: JSONCursor, text: ByteView) {
        self.cursor = cursor
        self.text = text
    }

    /// The value of a member of an object. O(members).
    package func member(_ key: String, of object: Int) -> Int? {
        guard object < cursor.count, cursor[object].type == .object else { return nil }
        var at = object + 1
        let end = cursor[object].next
        while at < end {
            let value = at + 1
            if self.text(at).string == key { return value }
            at = cursor[value].next
        }
        return nil
    }

    package func items(of array: Int) -> [Int] {
        guard array < cursor.count, cursor[array].type == .array else { return [] }
        var found: [Int] = []
        var at = array + 1
        while at < cursor[array].next {
            found.append(at)
            at = cursor[at].next
        }
        return found
    }

    /// A string decoded, anything else as it stands.
    package func text(_ token: Int) -> ByteString {
        let raw = JSONCursor.raw(cursor[token], in: text)
        guard cursor[token].isEscaped else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        JSONText.unescape(raw, into: out)
        return ByteString(out.view)
    }

    package func labels(_ object: Int) -> Labels {
        guard object < cursor.count, cursor[object].type == .object else { return Labels() }
        var pairs: [Label] = []
        var at = object + 1
        while at < cursor[object].next {
            pairs.append(Label(text(at), text(at + 1)))
            at = cursor[at + 1].next
        }
        return Labels(pairs)
    }
}
