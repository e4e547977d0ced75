import Bytes
import LogModel
import LokiWire
import Testing

func text(_ write: (ByteArena) -> Void) -> String {
    let out = ByteArena()
    write(out)
    return out.view.string
}

/// The answer without its `stats` object, which its own test covers.
func answer(
    _ result: QueryResult, flags: [String] = [], warnings: [String] = []
) throws -> String {
    var response = QueryResponse(result)
    response.encodingFlags = flags
    response.warnings = warnings
    let full = text { response.write(into: $0) }
    let bytes = Array(full.utf8)
    return try bytes.withView { view in
        let marker = Array(",\"stats\":".utf8)
        let at = try #require(marker.withView { view.firstRange(of: $0) })
        // The object ends where its braces balance; it holds no strings with braces.
        var depth = 0
        var end = at + marker.count
        repeat {
            if view[end] == 0x7B { depth += 1 }
            if view[end] == 0x7D { depth -= 1 }
            end += 1
        } while depth > 0
        return view[0..<at].string + view[end..<view.count].string
    }
}

@Suite struct QueryResponseTests {
    static let streams = QueryResult.streams([
        ResultStream(
            labels: Labels(["app": "a<b>&\"", "z": "é"]),
            entries: [
                ResultEntry(
                    timestamp: 1_700_000_000_000_000_001, line: "{\"x\":1}\n", metadata: Labels(["m": "1"]),
                    parsed: Labels(["p": "2"])),
                ResultEntry(timestamp: -5, line: ""),
                ResultEntry(timestamp: 7, line: ByteString([0x61, 0xFF, 0x62]), parsed: Labels(["q": ""])),
            ])
    ])

    @Test func streamsWithoutFlags() throws {
        #expect(
            try answer(Self.streams)
                == #"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"a\u003cb\u003e\u0026\"","z":"é"},"values":[["1700000000000000001","{\"x\":1}\n"],["-5",""],["7","a\#u{FFFD}b"]]}]}}"#
                + "\n")
    }

    @Test func streamsWithCategories() throws {
        #expect(
            try answer(Self.streams, flags: ["categorize-labels", "other"], warnings: ["w"])
                == #"{"status":"success","warnings":["w"],"data":{"resultType":"streams","encodingFlags":["categorize-labels","other"],"result":[{"stream":{"app":"a\u003cb\u003e\u0026\"","z":"é"},"values":[["1700000000000000001","{\"x\":1}\n",{"structuredMetadata":{"m":"1"},"parsed":{"p":"2"}}],["-5","",{}],["7","a\#u{FFFD}b",{"parsed":{"q":""}}]]}]}}"#
                + "\n")
    }

    /// A flag in another case is echoed and means nothing.
    @Test func flagsAreEchoedAsTheyCame() throws {
        let flags = QueryResponse.flags(header: "Categorize-Labels, x")
        #expect(flags == ["Categorize-Labels", " x"])
        let body = try answer(.streams([]), flags: flags)
        #expect(body == #"{"status":"success","data":{"resultType":"streams","encodingFlags":["Categorize-Labels"," x"],"result":[]}}"# + "\n")
        #expect(QueryResponse.flags(header: nil).isEmpty)
        #expect(QueryResponse.flags(header: "").isEmpty)
    }

    @Test func matrixVectorAndScalar() throws {
        let matrix = QueryResult.matrix([
            ResultSeries(
                labels: Labels(["level": "info"]),
                points: [
                    ResultPoint(timestamp: 1_700_000_000_000_000_000, value: 1.5),
                    ResultPoint(timestamp: 1_700_000_000_500_000_000, value: .nan),
                    ResultPoint(timestamp: 1_700_000_000_999_999_999, value: .infinity),
                ])
        ])
        #expect(
            try answer(matrix, flags: ["x"], warnings: ["partial"])
                == #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"level":"info"},"values":[[1700000000,"1.5"],[1700000000.5,"NaN"],[1700000000.999,"+Inf"]]}]},"warnings":["partial"]}"#
                + "\n")
        let vector = QueryResult.vector([
            ResultSample(labels: Labels(), point: ResultPoint(timestamp: 4_000_000_000_000_000_000, value: 2))
        ])
        #expect(
            try answer(vector)
                == #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[4000000000,"2"]}]}}"# + "\n")
        #expect(
            try answer(.scalar(timestamp: 1_000_000, value: 0.1))
                == #"{"status":"success","data":{"resultType":"scalar","result":[0.001,"0.1"]}}"# + "\n")
    }

    @Test(arguments: [
        (0.0, "0"), (3_000_000, "3000000"), (1e21, "1000000000000000000000"), (5e-7, "0.0000005"), (-1.25, "-1.25"),
        (-Double.infinity, "-Inf"), (9_007_199_254_740_993, "9007199254740992"), (1.0 / 3, "0.3333333333333333"), (-3, "-3"),
    ] as [(Double, String)])
    func valuesHaveNoExponent(value: Double, expected: String) throws {
        let body = try answer(.scalar(timestamp: 0, value: value))
        #expect(body.contains("[0,\"\(expected)\"]"))
    }

    @Test(arguments: [
        (Int64(1_794_306_599_999_000_000), "1794306599.999"), (-500_000_000, "-0.5"), (1, "0"), (-1, "-0.001"),
        (1_120_000_000, "1.12"),
    ])
    func timesHaveMilliseconds(time: Int64, expected: String) throws {
        #expect(try answer(.scalar(timestamp: time, value: 1)).contains("\"result\":[\(expected),"))
    }

    @Test func statisticsAreThere() {
        var response = QueryResponse(.vector([]))
        response.statistics.linesRead = 10
        response.statistics.bytesRead = 2_000
        response.statistics.execution = 0.5
        let body = text { response.write(into: $0) }
        #expect(
            body.contains(
                #""summary":{"bytesProcessedPerSecond":4000,"linesProcessedPerSecond":20,"totalBytesProcessed":2000,"totalLinesProcessed":10,"execTime":0.5"#))
        var cursor = JSONCursor()
        #expect(throws: Never.self) { try body.withView { try cursor.scan($0) } }
    }

    @Test func legacy() throws {
        let result = [
            ResultStream(
                labels: Labels(["a": "b"]),
                entries: [
                    ResultEntry(timestamp: 1_700_000_000_000_000_001, line: "x"),
                    ResultEntry(timestamp: 0, line: "y", metadata: Labels(["m": "1"]), parsed: Labels(["p": "2"])),
                ])
        ]
        let body = text { LegacyQueryAnswer.write(result, QueryStatistics(), into: $0) }
        #expect(
            body.hasPrefix(
                #"{"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":"2023-11-14T22:13:20.000000001Z","line":"x"}]},{"labels":"{a=\"b\", m=\"1\", p=\"2\"}","entries":[{"ts":"1970-01-01T00:00:00Z","line":"y","structuredMetadata":{"m":"1"},"parsed":{"p":"2"}}]}],"stats":{"#))
    }
}

@Suite struct CatalogueAnswerTests {
    @Test func stringsLeaveDataOutWhenThereIsNone() {
        #expect(text { CatalogueAnswer.strings(["app", "<x>"], into: $0) } == #"{"status":"success","data":["app","\u003cx\u003e"]}"# + "\n")
        #expect(text { CatalogueAnswer.strings([], into: $0) } == #"{"status":"success"}"# + "\n")
    }

    @Test func seriesKeepAnEmptyArray() {
        #expect(text { CatalogueAnswer.series([], into: $0) } == #"{"status":"success","data":[]}"# + "\n")
        #expect(
            text { CatalogueAnswer.series([Labels(["b": "2", "a": "1"])], into: $0) }
                == #"{"status":"success","data":[{"a":"1","b":"2"}]}"# + "\n")
    }

    @Test func statistics() {
        #expect(
            text { CatalogueAnswer.statistics(streams: 1, chunks: 2, bytes: 3, entries: 4, into: $0) }
                == #"{"streams":1,"chunks":2,"bytes":3,"entries":4}"# + "\n")
    }

    @Test func detected() {
        #expect(text { CatalogueAnswer.detectedLabels([], into: $0) } == "{}\n")
        #expect(
            text { CatalogueAnswer.detectedLabels([("ns", 4)], into: $0) }
                == #"{"detectedLabels":[{"label":"ns","cardinality":4}]}"# + "\n")
        let fields: [CatalogueAnswer.DetectedField] = [
            .init(label: "trace_id", type: "string", cardinality: 90, parsers: []),
            .init(label: "user_id", type: "int", cardinality: 3, parsers: ["json"], jsonPath: ["user", "id"]),
        ]
        #expect(
            text { CatalogueAnswer.detectedFields(fields, limit: 1_000, into: $0) }
                == #"{"fields":[{"label":"trace_id","type":"string","cardinality":90,"parsers":null},{"label":"user_id","type":"int","cardinality":3,"parsers":["json"],"jsonPath":["user","id"]}],"limit":1000}"#
                + "\n")
        #expect(text { CatalogueAnswer.detectedFields([], limit: 5, into: $0) } == "{}\n")
        #expect(text { CatalogueAnswer.detectedValues(["10ms"], limit: 5, into: $0) } == #"{"values":["10ms"],"limit":5}"# + "\n")
    }

    @Test func formatQuery() {
        #expect(text { CatalogueAnswer.text("{a=\"b\"}\n", into: $0) } == #"{"status":"success","data":"{a=\"b\"}\n"}"# + "\n")
        #expect(text { CatalogueAnswer.invalidQuery("no", into: $0) } == #"{"status":"invalid-query","error":"no"}"# + "\n")
    }
}
