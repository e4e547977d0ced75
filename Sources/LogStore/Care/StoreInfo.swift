import Bytes
import LogModel

/// What a store costs, and which part of it: every byte of every segment file is in exactly one part.
package struct StoreInfo: Sendable {
    /// Bytes of segment files by what they are for.
    package struct Parts: Sendable, Equatable {
        /// Heads and trailers of the files.
        package var frame = 0
        package var times = 0
        package var metadata = 0
        /// Which template each row has.
        package var templates = 0
        /// Values: bodies of columns, and pages of raw ones.
        package var columns = 0
        package var dictionaries = 0
        package var filters = 0
        /// Paths, kinds and the literals of templates.
        package var layout = 0
        /// Where everything lies, and the runs of streams; without `streams`.
        package var index = 0
        /// Labels of streams: their share of the index, by their share of it unpacked.
        package var streams = 0

        package var sum: Int {
            frame + times + metadata + templates + columns + dictionaries + filters + layout + index + streams
        }
    }

    /// Values of one path of the JSON document, over all segments.
    package struct Column: Sendable {
        /// The path, keys joined by `.`; `#n` for what has none.
        package var name: String
        package var kind: String
        /// Bytes on disk of each form that occurs.
        package var forms: [String: Int]
        package var values = 0
        /// Bodies and pages.
        package var bytes = 0
        package var dictionaryBytes = 0
        package var filterBytes = 0
        /// Different values; nil where it was not asked for and no dictionary tells.
        package var distinct: DistinctCount?

        package var sum: Int { bytes + dictionaryBytes + filterBytes }
    }

    /// Lines that share their literals, over all segments.
    package struct Template: Sendable {
        package var rows: Int
        /// `…` stands for values.
        package var text: String
    }

    package var directory: String
    package var segments = 0
    package var rows = 0
    /// Bytes of lines.
    package var lineBytes = 0
    /// Bytes of segment files.
    package var segmentBytes = 0
    package var parts = Parts()
    package var columns: [Column] = []
    package var templates: [Template] = []
    /// Streams in segments and in the log.
    package var streams = 0
    package var tenants: [String] = []
    package var first: Int64?
    package var last: Int64?
    /// Rows that are in the log only.
    package var logRows = 0
    package var logLineBytes = 0
    /// Bytes of files that are no listed segments: log, manifest, delete requests, leftovers.
    package var logBytes = 0
    package var otherBytes = 0
    package var deleteRequests = 0
    package var damaged: [String] = []
}

extension StoreInfo {
    /// Reads indexes, layouts and templates of rows; with `countsDistinct` every value as well. Damaged parts are left
    /// out and told.
    package static func read(_ view: StoreView, countsDistinct: Bool) -> StoreInfo {
        var info = StoreInfo(directory: view.directory)
        let snapshot = view.core.snapshot()
        var survey = ColumnSurvey(codecs: view.core.codecs, countsDistinct: countsDistinct)
        var streams: Set<UInt32> = []
        for segment in snapshot.segments {
            info.segments += 1
            info.rows += segment.info.rows
            info.lineBytes += segment.info.lineBytes
            info.segmentBytes += segment.size
            if segment.info.rows > 0 {
                info.first = min(info.first ?? .max, segment.info.first)
                info.last = max(info.last ?? .min, segment.info.last)
            }
            streams.formUnion(segment.streams)
            do throws(StoreError) { try survey.add(segment) } catch { view.core.damage.add(error.message) }
            info.parts.add(segment, view.core.streams.all(), layout: try? view.core.codecs.with { codec throws(StoreError) in
                try segment.layout(codec)
            })
        }
        for head in snapshot.heads {
            for batch in head.batches where !batch.rows.isEmpty {
                info.logRows += batch.rows.count
                info.logLineBytes += batch.lineBytes
                info.first = min(info.first ?? .max, batch.first)
                info.last = max(info.last ?? .min, batch.last)
                for run in batch.runs { streams.insert(run.stream) }
            }
        }
        let all = view.core.streams.all()
        info.streams = streams.count
        info.tenants = Set(streams.map { all[Int($0)].tenant.name }).sorted()
        info.columns = survey.sortedColumns
        info.templates = survey.sortedTemplates
        let listed = Set(snapshot.segments.map { StoreNames.segmentName($0.info.number) })
        for file in view.files where !listed.contains(file.name) {
            if StoreNames.wal(file.name) != nil { info.logBytes += file.size } else { info.otherBytes += file.size }
        }
        info.deleteRequests = view.requests.count
        info.damaged = view.damaged
        return info
    }
}

extension StoreInfo.Parts {
    mutating func add(_ segment: Segment, _ all: [StreamTable.Stream], layout: SegmentLayout?) {
        frame += SegmentFormat.headerSize + SegmentFormat.trailerSize
        for group in segment.groups {
            times += group.times.packed
            templates += group.templateOf.packed
            if let chunks = group.metadata { metadata += chunks.rows.packed + chunks.sets.packed }
            for column in group.columns {
                columns += column.body.packed + column.pages.reduce(0) { $0 + $1.chunk.packed }
                filters += column.filters.reduce(0) { $0 + $1.packed }
            }
        }
        for column in layout?.columns ?? [] {
            guard let chunks = column.dictionary else { continue }
            dictionaries += chunks.lengths.packed + chunks.bytes.packed
            filters += chunks.trigrams?.packed ?? 0
        }
        self.layout += segment.layoutChunk.packed
        let labels = ByteArena(capacity: 4096)
        for stream in segment.streams { all[Int(stream)].labels.encode(into: labels) }
        let raw = max(1, segment.indexSize.raw)
        let share = Int(Double(segment.indexSize.packed) * Double(min(labels.count, raw)) / Double(raw))
        streams += share
        index += segment.indexSize.packed - share
    }
}
