import Bytes
import Testing

@testable import LogPipeline

@Suite("detected_level")
struct LevelDetectorTests {
    private func level(_ line: String) -> String {
        line.withView { String(describing: LevelDetector.detect($0)) }
    }

    @Test(
        "Answers recorded from Loki",
        arguments: [
            (#"{"level":"warn","m":"x"}"#, "warn"), (#"{"severity":"ERR"}"#, "error"), (#"{"log":{"level":"fatal"}}"#, "fatal"),
            (#"{"a":{"b":{"level":"error"}}}"#, "error"), (#"{"level":5}"#, "unknown"),
            (#"{"level":"notice","m":"an error here"}"#, "error"), ("level=error a=b", "error"), ("LEVEL=Warning a=b", "warn"),
            ("lvl=dbg x=1", "debug"), ("severity=critical", "critical"), ("level=notice oops", "unknown"),
            ("level=unknownword error: x", "error"), ("an error occurred", "error"), ("terror is no level", "unknown"),
            ("[WARN] bracket", "warn"), ("misc:error", "unknown"), ("error: colon", "error"), ("info|pipe", "info"),
            ("(debug)", "debug"), ("Fatal crash", "fatal"), ("trace this", "trace"), ("nothing here", "unknown"),
            ("", "unknown"), ("INFO first then ERROR", "info"), ("warning sign", "warn"),
            (#"msg="level=error inside" x=1"#, "error"), (#"{"msg":"error in json"}"#, "error"), (#"{"lvl":"trc"}"#, "trace"),
            (#"{"levels":"error"}"#, "error"), ("CRITICAL!", "critical"), ("err", "error"), ("errors", "unknown"),
        ])
    func recorded(line: String, expected: String) { #expect(level(line) == expected) }

    @Test(
        "Corners",
        arguments: [
            ("  { \"time\" : 1 , \"level\" : \"Information\" }  \n", "info"),
            (#"{"s":"\"level\":\"fatal\"","severity":"wrn"}"#, "warn"), (#"{"a":[{"level":"error"}],"level":"info"}"#, "info"),
            (#"{"a":{"x":1,"lvl":"err"},"level":"info"}"#, "error"), (#"{"a":{"b":{"c":[1,{"level":"error"}]}},"level":"dbg"}"#, "debug"),
            (#"{"level":"nope","severity":"error"}"#, "error"), (#"{"level":"nope","severity":"warnx"}"#, "unknown"),
            (#"{broken "level":"warn"}"#, "warn"), (#"{"a":"unterminated}"#, "unknown"), ("{}", "unknown"), ("{", "unknown"),
            (#"{"level": "debug""#, "debug"), ("x=1 level=\"warn\" severity=error", "warn"), ("severity=error level=warn", "warn"),
            ("SeverityText=ERROR lvl=warn", "error"), ("a=b c", "unknown"), ("=warn level=error", "warn"), ("level=", "unknown"),
            ("level", "unknown"), ("time=2 error", "error"), ("\terror\n", "error"), ("xerror yerror error", "error"),
            ("warnings WARNING", "warn"), ("é error", "error"), ("error\u{0}", "unknown"), ("informational", "unknown"),
        ])
    func corners(line: String, expected: String) { #expect(level(line) == expected) }

    @Test("Any bytes give some answer", arguments: 0..<200)
    func anyBytes(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let alphabet = Array("{}[]\":,\\= \nlevelERROR".utf8) + [0xFF, 0]
        let bytes = (0..<Int(random.unit() * 60)).map { _ in alphabet[Int(random.unit() * Double(alphabet.count))] }
        bytes.withView { _ = LevelDetector.detect($0) }
    }
}
