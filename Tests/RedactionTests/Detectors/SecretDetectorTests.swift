import Redaction
import Testing

@Suite struct SecretDetectorTests {
    @Test(arguments: [
        ("password=hunter2", "password=[REDACTED:secret]"),
        ("login DB_PASSWORD=hunter2 ok", "login DB_PASSWORD=[REDACTED:secret] ok"),
        ("pwd='a b c' x", "pwd='[REDACTED:secret]' x"),
        (#"password="a \"quoted\" one" x"#, #"password="[REDACTED:secret]" x"#),
        ("password: correct4horse", "password: [REDACTED:secret]"),
        ("password:hunter2", "password:[REDACTED:secret]"),
        ("{'password': 'x'}", "{'password': '[REDACTED:secret]'}"),
        ("password => 'x y'", "password => '[REDACTED:secret]'"),
        ("a=1&client_secret=abc&b=2", "a=1&client_secret=[REDACTED:secret]&b=2"),
        ("password=ab%20cd&x=1", "password=[REDACTED:secret]&x=1"),
        ("X-Api-Key: 0123456789abcdef", "X-Api-Key: [REDACTED:secret]"),
        ("api_key=abc12345", "api_key=[REDACTED:secret]"),
        ("access_token=0123456789abcdefgh", "access_token=[REDACTED:secret]"),
        ("aws_secret_access_key = wJalrXUtnFEMIK7MDENGbPxRfiCY", "aws_secret_access_key = [REDACTED:secret]"),
        ("otp=123456", "otp=[REDACTED:secret]"),
        (#"{"password":"x","user":"y"}"#, #"{"password":"[REDACTED:secret]","user":"y"}"#),
        (#"{"password" : "with \" and \\ and \n","u":1}"#, #"{"password" : "[REDACTED:secret]","u":1}"#),
        (#"{"pin":1234,"cvv":123}"#, #"{"pin":"[REDACTED:secret]","cvv":"[REDACTED:secret]"}"#),
        (#"{"passw\u006frd":"x"}"#, #"{"passw\u006frd":"[REDACTED:secret]"}"#),
        (#"{"body":"{\"password\":\"a\\\"b\",\"u\":1}"}"#, #"{"body":"{\"password\":\"[REDACTED:secret]\",\"u\":1}"}"#),
        (#"{"accessToken":"0123456789abcdefgh"}"#, #"{"accessToken":"[REDACTED:secret]"}"#),
        ("password=\"never closed", "password=\"[REDACTED:secret]"),
    ])
    func secretsAreFound(_ text: String, _ wanted: String) throws {
        let bench = try Bench(.secret)
        #expect(bench(text) == wanted)
        #expect(bench(wanted) == wanted)
    }

    @Test(arguments: [
        "password reset requested", "Password: must be longer", "password=None", "pam_unix(chpasswd:chauthtok): done",
        "password=***", "password=${DB_PASSWORD}",
        "password=$DB_PASSWORD", "password={{ x }}", "password=<hidden>", "password=%s", "password=password",
        "password=",
        "password=self.password", "token=get_token(x)", #"{"password":null,"token":true,"secret":""}"#,
        "token usage: 0.29, #token: 20800", "input throughput (token/s): 559.53", "token expired", "token=1234",
        #"{"prompt_tokens": 1343, "tokens": 1449, "max_tokens": 512}"#, #"eos_token: '<|im_end|>'"#, "next_token=the",
        "pin memory: true", "pin=8", "opinion=123456", "secret=my-secret-name", "secretary=abc12345",
        "PWD=/home/user/x",
        "password_length=12", "forgot-password?x=1", "passwordless=true", "api_key=['***']", "key=abc12345",
        "password changed: ok",
        #"{"secret_name": "prod/db", "token_type": "Bearer"}"#,
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.secret)
        #expect(bench(text) == text)
    }
}
