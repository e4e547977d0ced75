import CKernels

/// CRC32C (Castagnoli), as in iSCSI and ext4: hardware instruction where there is one.
package enum CRC32C {
    /// Checksum of `view`, continuing from `seed`.
    @inlinable
    package static func of(_ view: ByteView, seed: UInt32 = 0) -> UInt32 { tr_crc32c(seed, view.base, view.count) }

    /// The variant without the instruction, to compare against.
    package static func portable(_ view: ByteView, seed: UInt32 = 0) -> UInt32 {
        tr_crc32c_portable(seed, view.base, view.count)
    }
}

/// XXH3, 64 bits: fast, well mixed, not cryptographic. Seed it per process where an attacker chooses the keys.
package enum XXH3 {
    @inlinable
    package static func of(_ view: ByteView, seed: UInt64 = 0) -> UInt64 { tr_xxh3(view.base, view.count, seed) }
}
