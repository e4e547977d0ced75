import Bytes
import LogModel
import Synchronization

/// Label sets by the text they came in: clients send the same few texts in push after push.
///
/// Bounded: when it is full it starts anew, which costs one parse a text. Safe to share.
package final class LabelCache: Sendable {
    private struct State {
        var known: [ByteString: Labels] = [:]
        var bytes = 0
    }

    private let state = Mutex(State())
    /// Texts and their labels together, bytes, roughly. Chosen: 20,000 streams of 200 bytes.
    private let bytesMax: Int

    package init(bytesMax: Int = 8 << 20) { self.bytesMax = bytesMax }

    /// The labels of `text`, made by `parse` when they are not known. `parse` runs outside the lock.
    package func labels<E: Error>(_ text: ByteView, parse: (ByteView) throws(E) -> Labels) throws(E) -> Labels {
        let key = ByteString(text)
        if let known = state.withLock({ $0.known[key] }) { return known }
        let labels = try parse(text)
        let cost = text.count &* 3 &+ 128
        state.withLock { state in
            if state.bytes + cost > bytesMax {
                state.known.removeAll()
                state.bytes = 0
            }
            if cost <= bytesMax, state.known.updateValue(labels, forKey: key) == nil { state.bytes += cost }
        }
        return labels
    }

    package var count: Int { state.withLock { $0.known.count } }
}
