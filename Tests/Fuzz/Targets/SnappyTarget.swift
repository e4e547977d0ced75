import Bytes

/// A compressed body is unpacked up to a limit or refused, in each of the codecs; what we compress comes back.
@Sendable func fuzzSnappy(_ input: ByteView) throws(FuzzTarget.Breach) {
    let limit = 1 << 20
    let out = ByteArena()
    do throws(InflateError) {
        try CappedReader.snappy(input, limit: limit, into: out)
    } catch {}
    try expect(out.count <= limit, "\(out.count) bytes, over the limit")

    let packed = ByteArena()
    out.reset()
    Compressor.snappy(input, into: packed)
    do throws(InflateError) {
        try CappedReader.snappy(packed.view, limit: input.count, into: out)
    } catch {
        throw FuzzTarget.Breach("what was compressed is refused: \(error)")
    }
    try expect(out.view == input, "\(input.count) bytes come back as \(out.count) others")
}
