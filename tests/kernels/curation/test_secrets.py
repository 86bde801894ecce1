"""Keys and passwords found and masked. All are made up, and put together here so that no other scanner takes them for real."""

import pytest

from kernels.curation.secrets.detection import find_secrets, mask, search
from kernels.curation.secrets.rules import KINDS

NOISE = "aZ3kQ9xW7bT5nR2mV8cY4hL6jD1fG0pSuE"
LONG = NOISE + NOISE[::-1] + NOISE.swapcase()
HEX = "9f3b7c21d8e45a60b1c7f28d3e90a45c"
UPPER = "QJ2X7KWZ5MTR3VNB"
KEY_BLOCK = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{LONG[:64]}\n{LONG[10:74]}\n-----END RSA {'PRIVATE'} KEY-----"

EXAMPLES = {
    "private_key": KEY_BLOCK,
    "aws_access_key_id": "AKIA" + UPPER,
    "aws_secret_key": 'aws_secret_access_key = "' + (NOISE + "x7Kq2P/z")[:40] + '"',
    "google_api_key": "AIza" + (NOISE + "q")[:35],
    "github_token": "ghp_" + (NOISE + "k7Q")[:36],
    "gitlab_token": "glpat-" + NOISE[:20],
    "slack_token": "xoxb-" + NOISE[:24],
    "slack_webhook": "https://hooks.slack.com/services/T0A1B2C3D/B9Z8Y7X6W/" + NOISE[:24],
    "stripe_key": "sk_live_" + NOISE[:24],
    "anthropic_key": "sk-ant-" + "api03-" + LONG[:95],
    "openai_key": "sk-proj-" + LONG[:60],
    "hugging_face_token": "hf_" + "aZkQxWbTnRmVcYhLjDfGpSuEwKqPzMtNvB",
    "npm_token": "npm_" + (NOISE + "k7Q")[:36],
    "pypi_token": "pypi-" + "AgE" + LONG[:60],
    "sendgrid_key": "SG." + NOISE[:22] + "." + (NOISE + NOISE[::-1])[:43],
    "twilio_key": "SK" + HEX,
    "json_web_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9." + NOISE,
    "azure_key": "AccountKey=" + LONG[:86] + "==",
    "service_key": "shpat_" + HEX,
    "basic_auth": "Authorization: Basic Ym9iOmh1bnRlcjI=",
    "bearer_token": "Authorization: Bearer " + NOISE,
    "url_password": "postgres://app:kQ9xW7bT5n@db.internal/main",
    "password": 'password = "kQ9!xW7bT5n"',
    "secret": 'client_secret: "' + NOISE + '"',
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_each_kind_is_found_by_itself(kind: str) -> None:
    (secret,) = find_secrets(f"# before\n{EXAMPLES[kind]}\nafter")
    assert secret.kind == kind
    assert [secret] == search(f"# before\n{EXAMPLES[kind]}\nafter", frozenset(KINDS)), "a text without a trace is not searched"


@pytest.mark.parametrize(
    "text",
    [
        'password = "changeme-please"',
        'password = os.environ["DB_PASSWORD"]',
        'api_key = "YOUR_API_KEY_HERE_1"',
        'token: "${{ secrets.GITHUB_TOKEN }}"',
        'secret = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"',
        "commit token 9f3b7c21d8e45a60b1c7f28d3e90a45c01234567",
        "AKIA" + "A" * 16,
        "postgres://user:password@localhost/db",
        "amqp://guest:guest@localhost and https://${USER}:${PASS}@example.com and https://<user>:<password>@example.com",
        "https://user:***@example.com, https://user:YOUR_PASSWORD@example.com, http://example.org:8080/x@y",
        "mailto:jane99@example.com, Jane:jane99@example.com, at 10:30@example.com",
        "curl -u $USER:$PASS https://example.com; curl -u user:password https://example.com; mysql -u root -p db",
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "git@github.com:org/repo",
        "password: required",
        "https://example.org/a:b/c@d",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "The token is passed to the server, which checks its key.",
        "authToken: process.env.NPM_TOKEN1",
        'secret: "production/database/main1"',
        "fields = ['password', 'password2']; connect(password=self.password1, x=pwd2)",
        "password: sha256, then base64; the password is required; passwords must have 8 characters",
        'token_hash: "' + HEX + HEX + '"',
        '"integrity": "sha512-' + LONG[:86] + '==", resolved "https://registry.example.org/a-1.0.tgz#' + HEX + '01234567"',
        "index 9f3b7c2..d8e45a6 100644; token: 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        'src="data:image/png;base64,' + LONG + LONG + '"',
        "xoxo-hugs-and-kisses, call tel:+1-555-0100@example.com",
        "-----BEGIN CERTIFICATE-----\n" + LONG[:64] + "\n" + LONG[10:74] + "\n-----END CERTIFICATE-----",
    ],
)
def test_placeholders_references_and_prose_are_no_secrets(text: str) -> None:
    assert find_secrets(text) == []


def test_secrets_become_placeholders_of_their_kind() -> None:
    text = f"key {EXAMPLES['github_token']} and {EXAMPLES['password']}."
    assert mask(text, find_secrets(text)) == 'key <GITHUB_TOKEN> and password = "<PASSWORD>".'


def test_of_what_overlaps_the_first_kind_has_it() -> None:
    text = f'token = "{EXAMPLES["github_token"]}"'
    assert [secret.kind for secret in find_secrets(text)] == ["github_token"]


KEY_LINES = [LONG[:64], LONG[10:74], LONG[20:60]]


@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{LONG[:64]}\n{LONG[10:74]}",
        f"-----BEGIN RSA {'PRIVATE'} KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,{HEX}\n\n{LONG[:64]}\n-----END RSA {'PRIVATE'} KEY-----",
        f"-----BEGIN {'PRIVATE'} KEY----- {LONG[:64]} {LONG[10:74]} -----END {'PRIVATE'} KEY-----",
        f'"-----BEGIN {"PRIVATE"} KEY-----\\n{LONG[:64]}\\n{LONG[10:74]}\\n-----END {"PRIVATE"} KEY-----"',
        "> " + "\n> ".join([f"-----BEGIN {'PRIVATE'} KEY-----", *KEY_LINES, f"-----END {'PRIVATE'} KEY-----"]),
        "\n".join([*KEY_LINES, f"-----END EC {'PRIVATE'} KEY-----"]),
        f"---- BEGIN SSH2 ENCRYPTED {'PRIVATE'} KEY ----\nComment: a-b\n{LONG[:64]}\n---- END SSH2 ENCRYPTED {'PRIVATE'} KEY ----",
        "Private-Lines: 3\n" + "\n".join(KEY_LINES) + "\nPrivate-MAC: 0",
    ],
)
def test_a_private_key_is_found_however_it_is_wrapped_and_where_it_is_cut_off(text: str) -> None:
    assert LONG[10:40] not in mask(text + "\n", find_secrets(text + "\n")) and [secret.kind for secret in find_secrets(text + "\n")] == [
        "private_key"
    ]


@pytest.mark.parametrize(
    "text",
    ["dop_v1_" + HEX + HEX, "sq0atp-" + NOISE[:22], "lin_api_" + LONG[:40], "hvs." + LONG[:40], "whsec_" + LONG[:32], "GOCSPX-" + NOISE[:28],
     "9876543210:AA" + LONG[:33], "https://discord.com/api/webhooks/987654321098765432/" + LONG[:68], "rubygems_" + HEX + HEX[:16], "ya29." + LONG[:60],  # noqa: E501
     "PMAK-" + HEX[:24] + "-" + HEX + "0f", "NRAK-" + (UPPER + UPPER)[:27], "FLWSECK-" + HEX + "-X", "AGE-SECRET-KEY-1" + (UPPER * 4)[:58]],
)  # fmt: skip
def test_keys_of_other_services_are_known_by_their_beginnings(text: str) -> None:
    assert [secret.kind for secret in find_secrets(f"use {text} now")] == ["service_key"]


@pytest.mark.parametrize("name", ["api_key", "GITHUB_TOKEN", "client-secret", "encryption_key", "signingKey", "Ocp-Apim-Subscription-Key"])
@pytest.mark.parametrize("assigned", ['{} = "{}"', "{}={}", "{}: {}", '"{}": "{}",', "'{}' => '{}',", 'os.environ["{}"] = "{}"'])
def test_what_a_name_calls_a_secret_is_one_also_in_sixteen_digits(name: str, assigned: str) -> None:
    for value in (LONG[:32], HEX, HEX + "01fe93ab"):
        assert [secret.kind for secret in find_secrets(f"x\n{assigned.format(name, value)}\ny")] == ["secret"]


@pytest.mark.parametrize("text", ["password=" * 200_000, "token: '" * 200_000, "eyJ" * 400_000, "aws" * 400_000, "://" * 400_000])
def test_hostile_text_is_searched_to_its_end(text: str) -> None:
    assert find_secrets(text + "\n" + EXAMPLES["gitlab_token"])[-1].kind == "gitlab_token"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://bob:hunter2@example.com/x", "https://bob:<URL_PASSWORD>@example.com/x"),
        ("https://bob:password@example.com/x", "https://bob:<URL_PASSWORD>@example.com/x"),
        ("ftp://bob:p@ss:word@ftp.example.com/x", "ftp://bob:<URL_PASSWORD>@ftp.example.com/x"),
        ("ftp://bob:p%40ss@ftp.example.com", "ftp://bob:<URL_PASSWORD>@ftp.example.com"),
        ("redis://:s3cr3t-test@10.0.0.1:6379/0", "redis://:<URL_PASSWORD>@10.0.0.1:6379/0"),
        ("mongodb+srv://u:kQ9$xW7@cluster0.example.net", "mongodb+srv://u:<URL_PASSWORD>@cluster0.example.net"),
        ("amqp://svc:gu3st@mq, smtp://m:Some2024!@[::1]", "amqp://svc:<URL_PASSWORD>@mq, smtp://m:<URL_PASSWORD>@[::1]"),
        ("https://" + NOISE[:22] + "@github.com/o/r", "https://<URL_PASSWORD>@github.com/o/r"),
        ("jdbc:postgresql://h/db?user=u&password=kQ9x", "jdbc:postgresql://h/db?user=u&password=<URL_PASSWORD>"),
        ("jdbc:oracle:thin:scott/tiger9@//h:1521/x", "jdbc:oracle:thin:scott/<URL_PASSWORD>@//h:1521/x"),
        ("Server=db;Uid=bob;Pwd=hunter;", "Server=db;Uid=bob;Pwd=<PASSWORD>;"),
        ('curl --user "bob:hunter22x" https://x', 'curl --user "bob:<PASSWORD>" https://x'),
        ("curl -ubob:hunter22x https://x", "curl -ubob:<PASSWORD> https://x"),
        ("scp bob:kQ9xW7@host.example.com:/x", "scp bob:<PASSWORD>@host.example.com:/x"),
        ("root:toor@10.0.0.1", "root:<PASSWORD>@10.0.0.1"),
        ("mysql -u root -phunter2 db; sshpass -p hunter2 ssh x", "mysql -u root -p<PASSWORD> db; sshpass -p <PASSWORD> ssh x"),
        ("machine h.example.com login bob password hunter", "machine h.example.com login bob password <PASSWORD>"),
        ("PGPASSWORD=hunter2 psql --password hunter2", "PGPASSWORD=<PASSWORD> psql --password <PASSWORD>"),
        ("My password is hunter2.", "My password is <PASSWORD>."),
        ("İ password: hunter2", "İ password: <PASSWORD>"),
        ('{"user":"bob","password":"hunter2","x":1}', '{"user":"bob","password":"<PASSWORD>","x":1}'),
        ("MYSQL_ROOT_PASSWORD: hunter2\nuser: bob", "MYSQL_ROOT_PASSWORD: <PASSWORD>\nuser: bob"),
        ('DB_PASSWORD="hunter2"\nX=1', 'DB_PASSWORD="<PASSWORD>"\nX=1'),
        ("spring.datasource.password=hunter2", "spring.datasource.password=<PASSWORD>"),
        ('psql "host=h user=bob password=hunter2 dbname=x"', 'psql "host=h user=bob password=<PASSWORD> dbname=x"'),
        ("user=bob;pass=hunter2;x=1", "user=bob;pass=<PASSWORD>;x=1"),
        ("<password>hunter2</password>", "<password><PASSWORD></password>"),
        ('<add key="Password" value="hunter2"/>', '<add key="Password" value="<PASSWORD>"/>'),
        ("define('DB_PASSWORD', 'hunter2');", "define('DB_PASSWORD', '<PASSWORD>');"),
        ("CREATE USER bob IDENTIFIED BY 'hunter2'", "CREATE USER bob IDENTIFIED BY '<PASSWORD>'"),
        ("ALTER USER bob WITH PASSWORD 'hunter2'", "ALTER USER bob WITH PASSWORD '<PASSWORD>'"),
        ("ENV POSTGRES_PASSWORD hunter2", "ENV POSTGRES_PASSWORD <PASSWORD>"),
        ("db.example.com:5432:main:bob:hunter2", "db.example.com:5432:main:bob:<PASSWORD>"),
        ("bob:hunter2@db.example.com:5432/main", "bob:<PASSWORD>@db.example.com:5432/main"),
        ("docker login -u bob -p hunter2 registry", "docker login -u bob -p <PASSWORD> registry"),
        ("openssl rsa -passin pass:hunter2 -in x", "openssl rsa -passin pass:<PASSWORD> -in x"),
        ("Authorization: Token " + HEX, "Authorization: Token <BEARER_TOKEN>"),
        ("Passwort: hunter2, Kennwort: hunter2x", "Passwort: <PASSWORD>, Kennwort: <PASSWORD>"),
        ("密码：hunter2。パスワード: hunter2 пароль: hunter2", "密码：<PASSWORD>。パスワード: <PASSWORD> пароль: <PASSWORD>"),
        ('the password is: "hunter2"', 'the password is: "<PASSWORD>"'),
    ],
)
def test_a_password_is_a_secret_however_it_is_handed_over(text: str, masked: str) -> None:
    assert mask(text, find_secrets(text)) == masked
    assert find_secrets(text) == search(text, frozenset(KINDS)), "a text without a trace is not searched"
