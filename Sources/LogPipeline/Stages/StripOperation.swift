import Bytes
import LogStages

/// `strip`: what programs and terminals leave around the text of a line.
///
/// NUL bytes in front (a file that was cut under a writer that does not append), everything before the last carriage return
/// (progress bars, of which a terminal shows the last state), colour codes.
struct StripOperation: Sendable {
    var nul: Bool
    var carriageReturn: Bool
    var ansi: Bool

    func run(_ state: inout EntryState) {
        let line = state.view(state.line)
        var from = 0
        var to = line.count
        if carriageReturn {
            while to > 0, line[to - 1] == 0x0D { to -= 1 }
            if let last = line[0..<to].lastIndex(of: 0x0D) { from = last + 1 }
        }
        if nul { while from < to, line[from] == 0 { from += 1 } }
        if from > 0 || to < line.count { state.line = state.line.part(from..<to) }
        if ansi { TerminalColours.strip(&state) }
    }
}
