import Bytes
import LogModel
import Testing

@testable import LogService

@Suite struct ExportFormatTests {
    private func roundTrip(_ row: ReadRow) throws -> (row: ReadRow, text: String) {
        let out = ByteArena()
        row.line.withView { line in
            ExportFormat.write(
                ExportRow(
                    tenant: row.tenant ?? .fake, labels: row.labels, timestamp: row.timestamp, metadata: row.metadata, line: line),
                into: out)
        }
        #expect(out.view.last == 0x0A)
        var cursor = JSONCursor()
        let line = out.view.prefix(out.count - 1)
        #expect(!line.contains(0x0A as UInt8), "one object a line")
        return (try ExportFormat.read(line, &cursor), out.view.string)
    }

    @Test func everyByteComesBack() throws {
        let lines: [[UInt8]] = [
            [], Array("plain".utf8), Array("tab\t quote\" back\\slash \u{1} ü € \u{1F600} \u{2028}".utf8), [0xFF, 0xFE, 0x00], [0xC3],
            Array(0...255), [0xED, 0xA0, 0x80],
        ]
        for line in lines {
            for metadata in [Labels(), Labels(["trace": "1f", "b": ""]), Labels([Label("raw", ByteString([0x80]))])] {
                for tenant in [nil, Tenant("acme")] {
                    let row = ReadRow(
                        tenant: tenant, labels: Labels(["app": "a\"b", "job": "x"]), timestamp: -5, metadata: metadata,
                        line: ByteString(line))
                    #expect(try roundTrip(row).row == row)
                }
            }
        }
    }

    @Test func textIsReadable() throws {
        let row = ReadRow(labels: Labels(["app": "api"]), timestamp: 1_700_000_000_000_000_001, metadata: Labels(["t": "1"]), line: "hé")
        #expect(try roundTrip(row).text == #"{"stream":{"app":"api"},"ts":"1700000000000000001","line":"hé","metadata":{"t":"1"}}"# + "\n")
        let raw = ReadRow(labels: Labels(["app": "api"]), timestamp: 1, line: ByteString([0xFF]))
        #expect(try roundTrip(raw).text == #"{"stream":{"app":"api"},"ts":"1","line_base64":"/w=="}"# + "\n")
    }

    @Test(arguments: [
        "", "[]", "{", "{}", #"{"stream":{"a":"b"},"line":"x"}"#, #"{"stream":{"a":"b"},"ts":"soon","line":"x"}"#,
        #"{"stream":{},"ts":"1","line":"x"}"#, #"{"stream":"a","ts":"1","line":"x"}"#, #"{"stream":{"a":"b"},"ts":"1"}"#,
        #"{"stream":{"a":"b"},"ts":"1","line_base64":"/w"}"#, #"{"stream":{"a":"b"},"ts":"1","line_base64":"/w=a"}"#,
        #"{"stream":{"a":"b"},"ts":"1","line_base64":"/x=="}"#, #"{"tenant":"a/b","stream":{"a":"b"},"ts":"1","line":"x"}"#,
        #"{"stream":{"a":"b"},"ts":"1","line":7}"#,
    ])
    func whatIsNoneIsRefused(text: String) {
        var cursor = JSONCursor()
        #expect(throws: DecodeError.self) { try text.withView { view throws(DecodeError) in try ExportFormat.read(view, &cursor) } }
    }

    @Test func base64IsThatOfTheStandard() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")] {
            let out = ByteArena()
            plain.withView { Base64.encode($0, into: out) }
            #expect(out.view.string == coded)
            #expect(coded.withView { Base64.decode($0) } == Array(plain.utf8))
        }
    }
}
