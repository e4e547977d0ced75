import Bytes
import LogModel
import LogStore

/// What `tailrace store …` does. Every verb returns its exit status: 0 as asked, 1 something is damaged or was refused,
/// 2 it could not be done.
package enum StoreCare {
    /// `store info`
    package static func info(directory: String, json: Bool, all: Bool, distinct: Bool) -> CommandOutcome {
        let view: StoreView
        do throws(StoreError) { view = try StoreView.open(directory) } catch { return CommandOutcome(2, error.message) }
        let info = StoreInfo.read(view, countsDistinct: distinct)
        let output = Output()
        if json {
            StoreInfoReport.json(info, into: output.buffer)
        } else {
            output.buffer.append(StoreInfoReport.text(info, all: all))
        }
        output.flush()
        if let failure = output.failure { return CommandOutcome(2, failure) }
        return CommandOutcome(info.damaged.isEmpty ? 0 : 1)
    }

    /// `store verify`
    package static func verify(directory: String, json: Bool) -> CommandOutcome {
        let view: StoreView
        do throws(StoreError) { view = try StoreView.open(directory) } catch { return CommandOutcome(2, error.message) }
        let result = StoreVerification.run(view)
        let output = Output()
        if json { StoreVerifyReport.json(result, into: output.buffer) } else { output.buffer.append(StoreVerifyReport.text(result)) }
        output.flush()
        if let failure = output.failure { return CommandOutcome(2, failure) }
        return CommandOutcome(result.isClean ? 0 : 1)
    }
}
