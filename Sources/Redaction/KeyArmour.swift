import Bytes

/// What is remembered from line to line of one source: that a private key has begun and not ended.
///
/// Programs print keys as they stand in files, line by line. The line with `-----BEGIN` gives the key away; the lines
/// behind it are nothing but base64. They are taken for parts of it until its end comes, or `linesMax` lines have passed.
package struct KeyArmour: Sendable, Equatable {
    /// A key of 16,384 bits has 200 lines.
    package static let linesMax = 200

    /// How many lines may still belong to the key.
    private var linesLeft = 0

    package init() {}

    package var isOpen: Bool { linesLeft > 0 }

    mutating func open() { linesLeft = KeyArmour.linesMax }

    /// Takes note of the next line and returns what of it is a part of the key.
    mutating func step(_ line: ByteView) -> Range<Int>? {
        guard isOpen else { return nil }
        linesLeft = PrivateKeyDetector.endsKey(line) ? 0 : linesLeft - 1
        return PrivateKeyDetector.body(line)
    }
}
