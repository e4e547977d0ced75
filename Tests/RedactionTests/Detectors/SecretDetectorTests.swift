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
        ("password1=hunter2", "password1=[REDACTED:secret]"),
        (#"{"password_new":"x","passwordConfirm":"x","password_hash":"x"}"#, #"{"password_new":"[REDACTED:secret]","passwordConfirm":"[REDACTED:secret]","password_hash":"[REDACTED:secret]"}"#),
        (#"{"api_key_openai":"hunter2Xq9zz"}"#, #"{"api_key_openai":"[REDACTED:secret]"}"#),
        ("user_pass=swordfish passwort=swordfish", "user_pass=[REDACTED:secret] passwort=[REDACTED:secret]"),
        ("pass=hunter2Xq9zz", "pass=[REDACTED:secret]"), (#"{"m":"x\npass=hunter2Xq9zz"}"#, #"{"m":"x\npass=[REDACTED:secret]"}"#), ("token=hunter2Xq9zz", "token=[REDACTED:secret]"),
        ("auth_token=abcd1234", "auth_token=[REDACTED:secret]"),
        ("mysql --password hunter2 -u x", "mysql --password [REDACTED:secret] -u x"),
        ("x --db-password 'hunter2' y", "x --db-password '[REDACTED:secret]' y"),
        ("<password>a b</password>", "<password>[REDACTED:secret]</password>"),
        ("('password', 'hunter2')", "('password', '[REDACTED:secret]')"),
        ("password=ab,cd9 x", "password=[REDACTED:secret] x"),
        ("password=abc,user=cd", "password=[REDACTED:secret],user=cd"),
        ("password=/ab2hunter", "password=[REDACTED:secret]"),
        ("passwords: [hunter2]", "passwords: [[REDACTED:secret]]"),
        (#"secret="Correct horse 42, battery""#, #"secret="[REDACTED:secret]""#),
        // Under the name of a container, of a member before, of a pair.
        (#"{"password":["x","y"],"n":["x"]}"#, #"{"password":["[REDACTED:secret]","[REDACTED:secret]"],"n":["x"]}"#),
        (#"{"password":{"value":"x","type":"string"}}"#, #"{"password":{"value":"[REDACTED:secret]","type":"string"}}"#),
        (#"{"passwords":{"values":["x"],"rules":["y"],"a":{"b":["z"]}}}"#, #"{"passwords":{"values":["[REDACTED:secret]"],"rules":["y"],"a":{"b":["z"]}}}"#),
        (#"{"name":"password","value":"x","n":"y"}"#, #"{"name":"password","value":"[REDACTED:secret]","n":"y"}"#),
        (#"{"key":"db.password","tags":[],"value":{"stringValue":"x"}}"#, #"{"key":"db.password","tags":[],"value":{"stringValue":"[REDACTED:secret]"}}"#),
        (#"[["user","x"],["password","hunter2"]]"#, #"[["user","x"],["password","[REDACTED:secret]"]]"#),
        (#"{"x-api-key":["abcd1234efgh5678"]}"#, #"{"x-api-key":["[REDACTED:secret]"]}"#),
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
        "PWD=/home/user/x", "forward_pass=12.3456ms", "pass=3 fail=0", #"{"bypass":"Hunter2Xq9zz","state":"pass"}"#, "pass: 12.5%", "token=step_000123", "token: Hello123",
        "password_length=12", "password_policy=strict8", "api_key_id=abcd1234", "api_key_hash=88dc28d0f030c55e", "invalid_token=abcd1234",
        "usage: --password PASSWORD", "use --password to set it", "--password=<password> --host x", "tokens=[1,2,3]",
        #"["username","password","email"]"#, #"{"required":["password","email1"]}"#, #"{"field":"password","message":"x"}"#,
        #"{"name":"password","type":"string","n":{"value":"x"}}"#, #"[{"name":"password"},{"value":"x"}]"#,
        #"fields "password", "email" and"#, #"{"secrets":["db-secret-1"]}"#, #"{"pin":[1234,5678]}"#,
        #"{"secret":"Secret not found: default/x1"}"#, #"{"password":{"min":8,"rules":["upper"]}}"#,
        "password_length=12", "forgot-password?x=1", "passwordless=true", "api_key=['***']", "key=abc12345",
        "password changed: ok",
        #"{"secret_name": "prod/db", "token_type": "Bearer"}"#,
    ])
    func othersStay(_ text: String) throws {
        let bench = try Bench(.secret)
        #expect(bench(text) == text)
    }
}
