import CKernels

/// How this process deals with the memory it has freed.
package enum ProcessMemory {
    /// Buffers of a megabyte and more go back to the system when they are freed. Left to itself glibc raises this limit to
    /// 32 MB and keeps them: a third more memory for the same speed (docs/performance.md). Call it once, at the start.
    package static func returnsLargeBuffers() { tr_return_buffers(1 << 20) }

    /// Of smaller buffers up to 4 MiB a thread are kept for the next ones. Where every block that is read takes some and frees
    /// them, glibc's 128 KiB mean that each page of each block is asked of the system again: a tenth of a shipper's time.
    package static func keepsSmallBuffers() { tr_keep_freed(4 << 20) }

    /// A crash leaves no image of memory behind, wherever `core_pattern` leads: what was read and not yet redacted, and buffers
    /// that were freed, hold what must not be on any disk. For this process and until it executes another program.
    package static func isNeverDumped() { tr_forbid_core_dumps() }
}
