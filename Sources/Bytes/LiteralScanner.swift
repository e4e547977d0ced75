import CKernels

/// Many patterns in one pass over the text (Vectorscan): reports where matches end, never where they start, which is
/// what keeps it near memory speed. The caller looks around each hit.
package final class LiteralScanner: @unchecked Sendable {
    // Sendable: the database is immutable; each thread brings its own `Scratch`.
    fileprivate let handle: OpaquePointer

    package struct Pattern: Sendable {
        package var id: UInt32
        package var text: String
        package var isLiteral: Bool
        package var ignoresCase: Bool

        package init(id: UInt32, text: String, isLiteral: Bool = true, ignoresCase: Bool = false) {
            self.id = id
            self.text = text
            self.isLiteral = isLiteral
            self.ignoresCase = ignoresCase
        }
    }

    /// A hit: which pattern, and the offset behind its last byte.
    package struct Hit: Equatable, Sendable {
        package var id: UInt32
        package var end: Int
    }

    package init(_ patterns: [Pattern]) throws(RegexError) {
        let texts = patterns.map { Array($0.text.utf8).map { CChar(bitPattern: $0) } + [0] }
        let lengths = texts.map { $0.count - 1 }
        let flags = patterns.map { UInt32(($0.ignoresCase ? 1 : 0) | ($0.isLiteral ? 2 : 0) | 4) }
        let ids = patterns.map(\.id)
        var error = [CChar](repeating: 0, count: 256)
        // One block that holds all texts, so that the pointers stay valid together.
        let joined = texts.flatMap { $0 }
        let made: OpaquePointer? = joined.withUnsafeBufferPointer { block in
            guard let start = block.baseAddress else { return nil }
            var pointers: [UnsafePointer<CChar>] = []
            var at = 0
            for text in texts {
                pointers.append(start + at)
                at += text.count
            }
            return tr_scanner_new(pointers, lengths, flags, ids, patterns.count, &error, error.count)
        }
        guard let made else {
            let words = String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw RegexError(kind: words.isEmpty ? "no patterns" : words, argument: "")
        }
        handle = made
    }

    deinit { tr_scanner_free(handle) }

    /// Working memory of one thread; also holds the hits of the last scan.
    package final class Scratch {
        fileprivate let handle: OpaquePointer
        fileprivate var raw: [tr_hit]
        /// Keeps the database that the scratch was made for.
        private let scanner: LiteralScanner
        package fileprivate(set) var hits: [Hit] = []

        package init(for scanner: LiteralScanner) throws(RegexError) {
            guard let made = tr_scratch_new(scanner.handle) else {
                throw RegexError(kind: "no scratch memory", argument: "")
            }
            handle = made
            self.scanner = scanner
            raw = [tr_hit](repeating: tr_hit(id: 0, end: 0), count: 64)
        }

        deinit { tr_scratch_free(handle) }
    }

    /// Scans `text` and leaves all hits, by their end, in `scratch.hits`. False when the engine failed or found more
    /// than `hitsMax` (the caller must then treat the text as unscanned). Memory: 32 bytes a hit, at most `hitsMax`.
    package func scan(_ text: ByteView, _ scratch: Scratch, hitsMax: Int = 1 << 20) -> Bool {
        while true {
            let capacity = scratch.raw.count
            let found = tr_scanner_scan(handle, scratch.handle, text.base, text.count, &scratch.raw, capacity)
            // Beyond its capacity the kernel stops counting.
            if found < 0 || found > hitsMax { return false }
            if found > capacity {
                scratch.raw = [tr_hit](repeating: tr_hit(id: 0, end: 0), count: min(capacity * 4, hitsMax))
                continue
            }
            scratch.hits.removeAll(keepingCapacity: true)
            for i in 0..<found { scratch.hits.append(Hit(id: scratch.raw[i].id, end: Int(scratch.raw[i].end))) }
            return true
        }
    }
}
