import Disk
import LogModel
import Metrics

/// Changes what is stored, by one editor: every segment that holds anything to change is written anew. Run on the compactor's thread.
///
/// Whatever was sealed before is changed or told as unreadable. After a crash the segments that were written are there, the others as
/// they were: the pass is repeated.
struct EditPass {
    let core: StoreCore

    func run(_ make: () throws -> any RowEditor, isStopping: () -> Bool) throws(StoreError) -> EditTally {
        var tally = EditTally()
        let rewriting = Rewriting(core: core)
        for segment in core.snapshot().segments where segment.info.rows > 0 {
            if isStopping() { throw CommitQueue.closing }
            do {
                switch try rewriting.picksAnything(segment, EditorSieve(try make()), isStopping: isStopping) {
                case false?: continue
                case nil: tally.unreadable.append("segment \(segment.path) is damaged")
                case true?: break
                }
            } catch { throw StoreError(.invalid, "\(error)") }
            if let space = try? core.disk.space(at: core.settings.directory), space.free < segment.size + core.settings.freeSpaceMin {
                throw StoreError(.system, "no room to write segment \(segment.path) anew: \(segment.size >> 20) MiB are needed")
            }
            let editor: any RowEditor
            do { editor = try make() } catch { throw StoreError(.invalid, "\(error)") }
            do throws(Merging.Failure) {
                let outcome = try rewriting.rewrite(segment, by: editor, isStopping: isStopping)
                tally.changed += outcome.changed
                tally.dropped += outcome.dropped
                tally.segments += 1
            } catch {
                guard error.input != nil else { throw error.error }
                core.damage.add(error.error.message)
                core.count()
                tally.unreadable.append(error.error.message)
            }
        }
        return tally
    }
}
