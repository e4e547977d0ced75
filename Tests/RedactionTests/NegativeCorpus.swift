import Redaction

/// Lines as machines write them, without personal data: what a redactor must not touch.
///
/// Repeatable: the same seed gives the same lines. A bare run of 16 digits with an issuer's prefix is not among them,
/// for nobody could tell it from a card number; behind a name that says what it is it is.
struct NegativeCorpus {
    private var dice: Dice

    init(seed: UInt64) { dice = Dice(seed) }

    private mutating func take(_ count: Int, of alphabet: String) -> String {
        let characters = Array(alphabet.utf8)
        return String(decoding: (0..<count).map { _ in characters[Int(dice.next() % UInt64(characters.count))] }, as: UTF8.self)
    }
    private mutating func digits(_ count: Int) -> String { take(count, of: "0123456789") }
    private mutating func hex(_ count: Int) -> String { take(count, of: "0123456789abcdef") }
    private mutating func word(_ count: Int) -> String { take(count, of: "0123456789abcdefghijklmnopqrstuvwxyz") }
    private mutating func number(_ limit: Int) -> Int { Int(dice.next() % UInt64(limit)) }
    private mutating func uuid() -> String { "\(hex(8))-\(hex(4))-4\(hex(3))-a\(hex(3))-\(hex(12))" }

    /// Names of what `line` makes.
    static let kinds = [
        "uuid", "git", "image", "etag", "trace", "trace JSON", "nested ids", "header", "object id", "short ids",
        "base36 ids", "capitals", "times", "ISO times", "floats", "versions", "order", "order JSON", "parcel", "isbn",
        "mac", "address", "pod", "unit", "arn", "base64", "usage", "groups", "row", "range", "models", "keys", "urls",
        "code", "logprobs", "schema", "passes", "ids in URLs",
    ]

    /// A line of the kind `Self.kinds[kind]`.
    mutating func line(_ kind: Int) -> String {
        switch NegativeCorpus.kinds[kind] {
        case "uuid": "id=\(uuid()) {\(uuid().uppercased())} \(hex(32))"
        case "git": "commit \(hex(40)) tree \(hex(7)) sha1:\(hex(40))"
        case "image": "pulled reg.example/app@sha256:\(hex(64)) digest: sha256:\(hex(64))"
        case "etag": "ETag: W/\"\(hex(32))\" \"\(hex(16))-\(hex(6))\" md5=\(hex(32))"
        case "trace": "trace_id=\(hex(32)) span_id=\(digits(16)) parent_span_id=\"\(digits(16))\" dd.trace_id=\(digits(19))"
        case "trace JSON": #"{"traceId":"\#(digits(16))","span_id":\#(1 + number(8))\#(digits(15)),"ts":17\#(digits(17)),"x":"\#(hex(16))"}"#
        case "nested ids": #"{"m":"{\"trace_id\": \"\#(digits(16))\", \"request_id\":\"\#(digits(16))\"}"}"#
        case "header": "X-Request-ID: \(digits(16)) traceparent: 00-\(hex(32))-\(hex(16))-01"
        case "object id": "_id: ObjectId('6\(hex(23))') key \(hex(24)) \(hex(20)) \(hex(16)) \(hex(22))"
        case "short ids": #"{"job":"\#(word(10))","n":"\#(word(15))","k":["\#(word(16))","\#(word(18))","\#(word(20))"]}"#
        case "base36 ids": "\(word(22)) \(word(24)) \(word(25)) \(word(26)) \(word(27)) \(word(28)) cursor=\(word(32))"
        case "capitals": "req \(hex(16).uppercased()) ulid 01\(take(24, of: "0123456789ABCDEFGHJKMNPQRSTVWXYZ")) sku \(take(4, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))-\(digits(4))"
        case "times": "ts \(1_600_000_000 + number(300_000_000)) 17\(digits(11)) 17\(digits(14)) 17\(digits(17)) took=\(digits(3)).\(digits(6))s"
        case "ISO times": "2026-1\(number(3))-0\(1 + number(9))T1\(number(10)):\(10 + number(50)):\(10 + number(50)).\(digits(9))+02:00 202611\(10 + number(18))\(digits(6))"
        case "floats": "x=0.\(digits(16)) y=\(digits(4)).\(digits(12)) z=-\(number(9)).\(digits(15))e-\(number(9)) \(digits(8)).\(digits(4))"
        case "versions": "v\(number(20)).\(number(99)).\(digits(5)).\(number(9)) 10.0.\(digits(5)).\(digits(4)) app-\(digits(4)).\(digits(2)).\(digits(2)) go1.\(number(30))"
        case "order": "ORD-\(digits(8)) order_id=\(digits(16)) INV/2026/\(digits(6)) PO#\(digits(10)) ticket \(digits(12))"
        case "order JSON": #"{"order_id":"\#(digits(16))","order_number":"4\#(digits(15))","sku":"\#(digits(8))","qty":\#(number(9))}"#
        case "parcel": "1Z\(hex(16).uppercased()) tracking_number=\(digits(20)) RR\(digits(9))XX"
        case "isbn": "ISBN 978-3-\(digits(4))-\(digits(4))-\(number(10)) phone-free EAN 40063813339\(number(10))\(number(10))x"
        case "mac": "mac \(hex(2)):\(hex(2)):\(hex(2)):\(hex(2)):\(hex(2)):\(hex(2)) \(hex(4)).\(hex(4)).\(hex(4))"
        case "address": "10.\(number(255)).\(number(255)).\(number(255)):\(1024 + number(60000)) fe80::\(hex(4)):\(hex(4)):\(hex(4)):\(hex(4))%eth0 0x\(hex(16)) pid=\(digits(6))"
        case "pod": "vllm-\(hex(9))-\(take(5, of: "bcdfghjklmnpqrstvwxz2456789")) job-\(digits(8))-\(take(5, of: "bcdfghjklmnpqrstvwxz2456789")) node ip-10-0-\(number(255))-\(number(255))"
        case "unit": "user@\(number(2000)).service icon@\(1 + number(3))x.png foo@\(number(9)).\(number(9)).\(number(9)) session-\(number(99)).scope git@github.com:a/b.git"
        case "arn": "arn:aws:iam::\(digits(12)):role/x vol-\(hex(17)) i-\(hex(17)) subnet-\(hex(8)) acct=\(digits(12))"
        case "base64": "blob \(take(64, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))== Basic auth config"
        case "usage": "token usage: 0.\(digits(2)), #token: \(digits(5)) prompt_tokens=\(digits(4)) tokens: [\(digits(3)), \(digits(4))] token=\(digits(4))"
        case "groups": "licence \(word(4))-\(word(4))-\(word(4))-\(word(4)) serial \(hex(4))-\(hex(4))-\(hex(4))-\(hex(4))-\(hex(4)) \(digits(2))-\(digits(7))"
        case "row": "hist \(digits(4)) \(digits(4)) \(digits(4)) \(digits(4)) \(digits(4)) \(digits(4)) \(digits(4))"
        case "range": "pages \(digits(2))\u{2013}\(digits(3)) years 19\(digits(2))\u{2013}20\(digits(2)) \(digits(3))\u{A0}\(digits(3))\u{A0}\(digits(3)) EUR, 5\u{202F}%"
        case "models": "sk-learn-\(word(5)) task-\(hex(40)) desk-\(hex(20)) hf_hub llama-3.1-\(digits(2))b-q4_k_m.gguf"
        case "keys": "key=\(hex(8)) code=not_found api_key_id=\(word(12)) password_length=\(number(30)) pwd=/srv/\(word(9))/x key_id=\(hex(20))"
        case "urls": "GET /v1/items/\(digits(9))?page=\(number(99))&code=\(100 + number(400))&ref=\(uuid()) https://host.example:443/\(hex(40))@\(hex(7))"
        case "code": "password=self.password, token=get_token(\(number(9))) File \"x.py\", line \(number(999)), in basic secret=os.environ['X']"
        case "logprobs": #"{"token":" the\#(number(99))","logprob":-0.\#(digits(8)),"bytes":[\#(number(255)),\#(number(255))],"top":[{"token":"\#(word(6))"}]}"#
        case "schema": #"{"name":"password","type":"string","min":\#(number(9)),"required":["password","field\#(number(9))"],"path":"/\#(word(5))/x\#(hex(8))"}"#
        case "passes": "forward_pass=\(digits(2)).\(digits(4))ms backward_pass: \(digits(2)).\(digits(5))ms pass=\(number(99)) fail=\(number(9)) first_pass=ok\(digits(7))"
        default: "/o/\(digits(16))x /o/\(hex(24))/\(hex(12)) /img/\(digits(3))_\(digits(16))_n.jpg?x=\(hex(10))"
        }
    }
}
