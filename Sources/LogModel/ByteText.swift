/// Sizes as Loki prints them.
package enum ByteText {
    /// In the largest unit that leaves no rest, units being powers of 1024: `3MB`, `256KB`, `1500B`.
    package static func exact(_ size: Int) -> String {
        for (unit, name) in [(1 << 40, "TB"), (1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")]
        where size >= unit && size % unit == 0 {
            return "\(size / unit)\(name)"
        }
        return "\(size)B"
    }
}
