import Bytes

/// The collector's `decolorize`: the same sequences as LogQL's.
package enum TerminalColours {
    package static func strip(_ state: inout EntryState) {
        let line = state.view(state.line)
        guard line.contains(0x1B) || line.contains(0x9B) else { return }
        let start = state.scratch.count
        if Decolorize.strip(state.stableView(state.line), into: state.scratch) {
            state.line = state.stored(since: start)
        } else {
            state.scratch.truncate(to: start)
        }
    }
}
