import Bytes

/// What a process of ours sets up before anything else.
package enum ServiceProcess {
    package static func prepare() { ProcessMemory.returnsLargeBuffers() }
}
