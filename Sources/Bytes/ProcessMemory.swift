import CKernels

/// How this process deals with the memory it has freed.
package enum ProcessMemory {
    /// Buffers of a megabyte and more go back to the system when they are freed. Left to itself glibc raises this limit to
    /// 32 MB and keeps them: a third more memory for the same speed (docs/performance.md). Call it once, at the start.
    package static func returnsLargeBuffers() { tr_return_buffers(1 << 20) }

    /// Of smaller buffers up to 4 MiB a thread are kept for the next ones. Where every block that is read takes some and frees
    /// them, glibc's 128 KiB mean that each page of each block is asked of the system again: a tenth of a shipper's time.
    package static func keepsSmallBuffers() { tr_keep_freed(4 << 20) }
}
