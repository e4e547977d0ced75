import Redaction
import Testing

@Suite struct URLCredentialDetectorTests {
    @Test(arguments: [
        ("postgres://app:s3cret@db.example.com/x", "postgres://app:[REDACTED:url_credential]@db.example.com/x"),
        ("x postgres%3A%2F%2Fapp%3Ahunter2%40db y", "x postgres%3A%2F%2Fapp%3A[REDACTED:url_credential]%40db y"),
        ("https://ghtoken1234567890abcdef@github.com/x", "https://[REDACTED:url_credential]@github.com/x"),
        ("https://ghtoken1234567890abcdef:x-oauth-basic@github.com/x", "https://[REDACTED:url_credential]@github.com/x"),
        ("redis://:hunter2@10.0.0.1:6379", "redis://:[REDACTED:url_credential]@10.0.0.1:6379"),
        ("see https://u:p%40ss@host.com/a.", "see https://u:[REDACTED:url_credential]@host.com/a."),
        ("amqp://u:p@ss@host.com/a", "amqp://u:[REDACTED:url_credential]@host.com/a"),
        ("GET /key/info?key=abc123def456 HTTP/1.1", "GET /key/info?key=[REDACTED:url_credential] HTTP/1.1"),
        ("/o?x=1&X-Amz-Signature=0123456789abcdef&y=2", "/o?x=1&X-Amz-Signature=[REDACTED:url_credential]&y=2"),
        ("/cb?code=4_0AfJohXk12345&state=x", "/cb?code=[REDACTED:url_credential]&state=x"),
        ("/blob?sv=2022&sig=abcd%2Fefgh%3D1234&se=1", "/blob?sv=2022&sig=[REDACTED:url_credential]&se=1"),
    ])
    func credentialsAreFound(_ text: String, _ wanted: String) throws {
        #expect(try Bench()(text) == wanted)
    }

    @Test(arguments: [
        "postgres://app@db.example.com/x", "https://example.com:443/a@b", "http://host/?a=b:c@",
        "https://u:${PASS}@host.com",
        "https://u:***@host.com", "/list?code=200", "/list?key=name", " key=value12345678", "monkey=abc123def456",
        "http://10.0.0.1:8000/v1", "ssh://git@github.com/a/b",
        "https://deploy-user-production-1@host.com", "https://host.com/a%40b:c",
    ])
    func othersStay(_ text: String) throws {
        #expect(try Bench()(text) == text)
    }
}
