import Bytes
import LogSources

/// `encoding:` and `decompression:` of a scrape configuration: how its files are read.
enum ScrapeReading {
    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        if let name = map.string("encoding"), !name.isEmpty {
            do throws(DecodeError) { scrape.encoding = try TextEncoding(name) } catch {
                map.wrong(
                    "encoding", "is `\(name)`: \(error.message)",
                    hint: "for instance utf-8, utf-16le, iso-8859-1, windows-1252, gbk")
            }
        }
        guard let node = map.node("decompression"),
            let entry = MapReader(
                node, "\(map.name).decompression", keys: ["enabled", "initial_delay", "format"], map.problems)
        else { return }
        var settings = Decompression()
        if let delay = entry.goDuration("initial_delay") { settings.initialDelay = .nanoseconds(delay) }
        if let format = entry.string("format"), !format.isEmpty {
            settings.format = StreamDecompressor.Format(rawValue: format.lowercased())
            if settings.format == nil {
                entry.wrong("format", "is `\(format)`", hint: "one of gz, z, bz2, zst; without it each file is what it begins with")
            }
        }
        if entry.bool("enabled") ?? false { scrape.decompression = settings }
    }
}
