import Bytes
import LogModel

/// What is remembered of a compressed file: enough to know it again, and whether it was read to its end.
///
/// The position is a number of lines, as Promtail has it; bytes of the archive mean nothing in the text. The detail is
/// `1 fp=<length>:<hash of the first bytes> size=<bytes> done=<lines> path=<path when first seen>`.
///
/// `done` is how many lines there are in all, 0 as long as that is not known. The archive is done with once the position is there:
/// while a stage holds the last lines back, the position that is committed is behind them, and its detail is of the end. (Earlier
/// versions wrote 1 for any number, which says the same of every position but 0.)
struct ArchiveMark: Equatable, Sendable {
    static let fingerprintMax = 1024

    var length: Int
    var hash: UInt64
    /// Of the file, when this was written.
    var size: UInt64
    /// Lines in all, 0: not known yet.
    var done: UInt64
    var path: ByteString

    init(_ file: Int32, size: UInt64, path: ByteString) throws(SystemError) {
        let bytes = try System.bytes(file, 0..<min(size, UInt64(Self.fingerprintMax)), path)
        length = bytes.count
        hash = bytes.withView { XXH3.of($0) }
        self.size = size
        done = 0
        self.path = path
    }

    init?(_ detail: ByteString) {
        let parts = detail.bytes.split(separator: UInt8(ascii: " "), maxSplits: 4)
        guard parts.count == 5, parts[0].elementsEqual("1".utf8) else { return nil }
        func value(_ index: Int, _ name: String) -> Substring? {
            let text = Substring(decoding: parts[index], as: UTF8.self)
            return text.hasPrefix(name + "=") ? text.dropFirst(name.utf8.count + 1) : nil
        }
        guard let print = value(1, "fp")?.split(separator: ":"), print.count == 2, let length = Int(print[0]),
            (0...Self.fingerprintMax).contains(length), let hash = UInt64(print[1], radix: 16),
            let size = value(2, "size").flatMap({ UInt64($0) }), let done = value(3, "done").flatMap({ UInt64($0) }),
            parts[4].starts(with: Array("path=".utf8))
        else { return nil }
        self.length = length
        self.hash = hash
        self.size = size
        self.done = done
        path = ByteString([UInt8](parts[4].dropFirst(5)))
    }

    var detail: ByteString {
        let head = "1 fp=\(length):\(String(hash, radix: 16)) size=\(size) done=\(done) path="
        return ByteString(Array(head.utf8) + path.bytes)
    }

    /// Whether nothing is left of it behind `lines`.
    func isDone(at lines: UInt64) -> Bool { done > 0 && lines >= done }

    /// Whether the open file begins as it did, and has not become shorter.
    func holds(_ file: Int32, size now: UInt64, _ path: ByteString) throws(SystemError) -> Bool {
        guard now >= size else { return false }
        return try System.bytes(file, 0..<UInt64(length), path).withView { $0.count == length && XXH3.of($0) == hash }
    }
}

/// `archive:<device>:<inode>:<hash of the first bytes>.<time>`: the contents of a compressed file as a source.
struct ArchiveKey: Equatable, Sendable {
    static let prefix: ByteString = "archive:"

    var id: FileID
    var hash: UInt64
    var born: UInt64

    init(id: FileID, hash: UInt64, born: UInt64) {
        self.id = id
        self.hash = hash
        self.born = born
    }

    init?(_ text: ByteString) {
        let parts = text.string.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "archive", let device = UInt64(parts[1]), let inode = UInt64(parts[2]) else { return nil }
        let pair = parts[3].split(separator: ".", maxSplits: 1)
        guard pair.count == 2, let hash = UInt64(pair[0], radix: 16), let born = UInt64(pair[1], radix: 16) else { return nil }
        self.init(id: FileID(device: device, inode: inode), hash: hash, born: born)
    }

    var text: ByteString {
        ByteString("archive:\(id.device):\(id.inode):\(String(hash, radix: 16)).\(String(born, radix: 16))")
    }
}
