import Bytes
import LogModel
import Synchronization

/// Dictionaries of segments in memory, those used last, up to a number of bytes. A dictionary in use lives on when it is
/// dropped here.
final class DictionaryCache: Sendable {
    private struct Key: Hashable {
        /// `Segment.serial`.
        var segment: UInt64
        var column: Int
    }

    private struct Entry {
        var entries: ValueBuffer
        var used: UInt64
    }

    private struct State {
        var held: [Key: Entry] = [:]
        var bytes = 0
        var clock: UInt64 = 0
    }

    private let state = Mutex(State())
    private let bytesMax: Int

    init(bytesMax: Int = 32 << 20) { self.bytesMax = bytesMax }

    func entries(of column: Int, in segment: Segment, _ codecs: CodecPool) throws(StoreError) -> ValueBuffer {
        let key = Key(segment: segment.serial, column: column)
        let known: ValueBuffer? = state.withLock { state in
            state.clock += 1
            state.held[key]?.used = state.clock
            return state.held[key]?.entries
        }
        if let known { return known }
        let read = try codecs.with { codec throws(StoreError) in try segment.dictionary(column, codec) }
        state.withLock { state in
            if state.held[key] == nil { state.bytes += read.footprint }
            state.held[key] = Entry(entries: read, used: state.clock)
            while state.bytes > bytesMax, state.held.count > 1,
                let oldest = state.held.min(by: { $0.value.used < $1.value.used })
            {
                state.bytes -= oldest.value.entries.footprint
                state.held[oldest.key] = nil
            }
        }
        return read
    }
}
