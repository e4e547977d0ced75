import Bytes

/// `decompression:` of a scrape configuration.
package struct Decompression: Sendable, Equatable {
    /// How long after it was first seen a file is read: whoever copies it should be done.
    package var initialDelay: Duration = .zero
    /// What all files of the job are. nil: those whose name ends as a compressed file's does are what they begin with, and all
    /// others are tailed.
    package var format: StreamDecompressor.Format?

    package init(initialDelay: Duration = .zero, format: StreamDecompressor.Format? = nil) {
        self.initialDelay = initialDelay
        self.format = format
    }

    /// Whether `path` is read as an archive.
    func covers(_ path: ByteString) -> Bool {
        format != nil || StreamDecompressor.Format.endings.contains { ending in path.bytes.suffix(ending.utf8.count).elementsEqual(ending.utf8) }
    }
}
