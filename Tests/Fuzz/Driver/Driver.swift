import Bytes
import FuzzTargets
import Glibc

/// The target that `TAILRACE_FUZZ_TARGET` names.
private let target: FuzzTarget = {
    let name = getenv("TAILRACE_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("TAILRACE_FUZZ_TARGET is one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
        exit(2)
    }
    return target
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    do {
        try target.run(ByteView(unsafe: UnsafeRawPointer(bytes), count: count))
    } catch {
        // Where libFuzzer writes; a buffered stream would lose it.
        "property broken: \(error)\n".withView { words in
            _ = words.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
        abort()
    }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// The name that SwiftPM gives to the entry point of an executable module: it takes libFuzzer's own `main` away.
@_cdecl("fuzz_main")
public func entry(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, { fuzz($0, $1) })
}
