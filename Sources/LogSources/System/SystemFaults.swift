import Bytes
import Synchronization

/// Failures that tests ask of the door to the kernel: no disk breaks when it is told to. Costs one relaxed load a call where nobody asks.
enum SystemFaults {
    private struct Fault {
        var call: String
        var path: ByteString
        var code: Int32
        var times: Int
    }

    private static let isArmed = Atomic<Bool>(false)
    private static let faults = Mutex<[Fault]>([])

    static func check(_ call: String, _ path: ByteString) throws(SystemError) {
        guard isArmed.load(ordering: .relaxed) else { return }
        let code = faults.withLock { faults -> Int32? in
            guard let index = faults.firstIndex(where: { $0.call == call && $0.path == path && $0.times > 0 }) else { return nil }
            faults[index].times -= 1
            return faults[index].code
        }
        if let code { throw SystemError(call, path, code: code) }
    }

    // MARK: - Testing

    /// The next calls on `path` fail, as many as `times` says. `call`: `open`, `read` (some bytes of a file), `read block`.
    static func arm(_ call: String, _ path: ByteString, code: Int32, times: Int = 1) {
        faults.withLock { $0.append(Fault(call: call, path: path, code: code, times: times)) }
        isArmed.store(true, ordering: .relaxed)
    }

    /// How many of the failures asked for on `path` are still to come.
    static func left(_ path: ByteString) -> Int { faults.withLock { $0.filter { $0.path == path }.reduce(0) { $0 + $1.times } } }

    /// Nothing more of what was asked for on `path` fails.
    static func disarm(_ path: ByteString) { faults.withLock { $0.removeAll { $0.path == path } } }
}
