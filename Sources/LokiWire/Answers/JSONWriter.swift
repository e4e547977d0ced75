import Bytes
import LogModel

/// JSON as Loki writes it: keys in the order of the calls, `<`, `>` and `&` escaped, bytes that are not UTF-8 as U+FFFD.
package struct JSONWriter {
    package let out: ByteArena
    /// Whether the next item of the innermost container needs a comma in front.
    private var comma = false

    package init(_ out: ByteArena) { self.out = out }

    package mutating func beginObject() { open(0x7B) }
    package mutating func endObject() { close(0x7D) }
    package mutating func beginArray() { open(0x5B) }
    package mutating func endArray() { close(0x5D) }

    /// A key that is a literal of the program.
    package mutating func key(_ name: StaticString) {
        separate()
        out.append(0x22)
        out.append(name)
        out.append("\":")
        comma = false
    }

    package mutating func key(bytes name: ByteString) {
        separate()
        name.withView { quoted($0) }
        out.append(0x3A)
        comma = false
    }

    package mutating func string(_ text: ByteView) {
        separate()
        quoted(text)
    }

    package mutating func string(_ text: ByteString) { text.withView { string($0) } }
    package mutating func string(_ text: String) { text.withView { string($0) } }

    package mutating func integer(_ value: Int64) {
        separate()
        out.append(decimal: value)
    }

    package mutating func integer(_ value: Int) { integer(Int64(value)) }

    package mutating func bool(_ value: Bool) {
        separate()
        out.append(value ? ByteView("true") : ByteView("false"))
    }

    package mutating func null() {
        separate()
        out.append("null")
    }

    /// A JSON number; NaN and infinities, which JSON has not, become 0.
    package mutating func number(_ value: Double) {
        separate()
        GoNumber.append(value.isFinite ? value : 0, into: out)
    }

    /// Unix seconds with up to three decimals.
    package mutating func seconds(_ nanoseconds: Int64) {
        separate()
        GoNumber.append(seconds: nanoseconds, into: out)
    }

    /// A sample value: a number in a string.
    package mutating func value(_ value: Double) {
        separate()
        out.append(0x22)
        GoNumber.append(value, into: out)
        out.append(0x22)
    }

    /// Nanoseconds as decimal digits in a string.
    package mutating func nanoseconds(_ value: Int64) {
        separate()
        out.append(0x22)
        out.append(decimal: value)
        out.append(0x22)
    }

    package mutating func labels(_ labels: Labels) {
        beginObject()
        for pair in labels.pairs {
            key(bytes: pair.name)
            string(pair.value)
        }
        endObject()
    }

    private mutating func separate() {
        if comma { out.append(0x2C) }
        comma = true
    }

    private mutating func open(_ byte: UInt8) {
        separate()
        out.append(byte)
        comma = false
    }

    private mutating func close(_ byte: UInt8) {
        out.append(byte)
        comma = true
    }

    private func quoted(_ text: ByteView) {
        out.append(0x22)
        JSONText.escape(text, into: out, html: true)
        out.append(0x22)
    }
}
