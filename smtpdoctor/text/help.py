"""What ``--help`` says beside the signatures of the commands: groups, shared rows, examples, and Korean.

The English of an option stands where it is declared (``Option(help=…)``), that of a command in its docstring.
``KOREAN`` holds the same in Korean by the option's name, ``command --option`` where a command means something of its
own by it, and by the command's name. The tests hold it complete, and name what is missing.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BRIEF", "EXAMPLES", "GROUPS", "KOREAN", "REST", "ROOT", "ROWS", "VALUES", "WORDS"]

WORDS: Final[dict[str, tuple[str, str]]] = {
    "usage": ("Usage", "사용법"),
    "options": ("[OPTIONS]", "[옵션]"),
    "command": ("COMMAND", "명령"),
    "commands": ("Commands", "명령"),
    "arguments": ("Arguments", "인자"),
    "examples": ("Examples", "예"),
    "default": ("default: {value}", "기본값 {value}"),
    "more": (
        "`smtpdoctor COMMAND --help` shows the options of a command.",
        "`smtpdoctor 명령 --help`를 실행하면 명령의 옵션이 나옵니다.",
    ),
    "exit": (
        "Exit codes: 0 healthy, 1 a problem was found, 2 wrong usage or unreadable settings, 3 a bug, 130 interrupted.",
        "종료 코드: 0 정상, 1 문제 발견, 2 잘못된 사용법이나 읽을 수 없는 설정, 3 smtpdoctor 자체 오류, 130 중단됨.",
    ),
}
ROOT: Final = (
    "Find out why an application cannot send mail through an SMTP provider, and how to fix it.",
    "애플리케이션이 SMTP로 메일을 보내지 못하는 원인과 해결 방법을 찾습니다.",
)
# What a command does, in one line of the program's help.
BRIEF: Final[dict[str, tuple[str, str]]] = {
    "check": (
        "Log in at the real server, and name the cause of what fails.",
        "실제 서버에 연결해 보고 실패 원인을 알려 줍니다.",
    ),
    "lint": ("Check the settings alone; no network.", "네트워크 없이 설정만 검사합니다."),
    "explain": (
        "Name the cause behind an error text or in a log.",
        "오류 메시지나 로그의 원인을 알려 줍니다.",
    ),
    "presets": ("List the providers, or show one of them.", "메일 서비스 목록을 보여 줍니다."),
    "apps": ("List the applications, or show one of them.", "애플리케이션 목록을 보여 줍니다."),
    "generate": ("Write configuration for an application.", "애플리케이션의 설정을 만듭니다."),
    "convert": (
        "Say the same settings in another application's words.",
        "설정을 다른 애플리케이션용으로 바꿉니다.",
    ),
    "fix": (
        "Show or apply the change that mends what was found.",
        "찾은 문제를 고칠 변경을 보여 주거나 적용합니다.",
    ),
    "sandbox": ("Run an SMTP server here that delivers nothing.", "배달하지 않는 SMTP 서버를 실행합니다."),
    "completion": ("Print the completion script of a shell.", "셸 자동 완성 스크립트를 출력합니다."),
}
# What stands for the value of an option that is one word of a longer list.
VALUES: Final = {
    "--until": "STAGE",
    "--security": "MODE",
    "--format": "NAME",
    "--fail-on": "LEVEL",
    "--for": "KIND",
}
REST: Final = "other"
"""The group of the options that stand in no other one."""

# In the order in which they are shown: the name, the title, and the options in theirs.
GROUPS: Final[tuple[tuple[str, tuple[str, str], tuple[str, ...]], ...]] = (
    (REST, ("Options", "옵션"), ()),
    (
        "run",
        ("What to do", "실행 방식"),
        (
            "--until",
            "--to",
            "--from",
            "--with-password",
            "--egress",
            "--sandbox",
            "--file",
            "--follow",
            "--list",
            "--set",
            "--for",
            "--fix",
            "--write",
            "--backup",
            "--remove-inert",
        ),
    ),
    (
        "settings",
        ("Where the settings come from", "설정을 읽는 곳"),
        (
            *("--config", "--env-file", "--app", "--service", "--app-version", "--profile", "--all-profiles"),
            *("--preset", "--url", "--host", "--port", "--security", "--username", "--password-file"),
            *("--password-stdin", "--ask-password", "--sender", "--ehlo", "--no-environment"),
        ),
    ),
    (
        "network",
        ("Network", "네트워크"),
        (
            *(
                "--no-network",
                "--timeout",
                "--deadline",
                "--retries",
                "--ipv4",
                "--ipv6",
                "--resolver",
                "--connect-to",
            ),
            *("--ca-file", "--allow-cleartext-auth", "--starttls-port", "--tls-port", "--count"),
        ),
    ),
    ("policy", ("What counts as a problem", "문제로 볼 기준"), ("--strict", "--fail-on", "--ignore")),
    (
        "report",
        ("Report", "보고서"),
        (
            *("--format", "--anchor", "--output", "--force", "--transcript", "--quiet", "--verbose"),
            *("--lang", "--no-color", "--version", "--help"),
        ),
    ),
)

# Options that are told in one row, where none of them means something of its own in the command.
ROWS: Final[dict[tuple[str, ...], tuple[str, str]]] = {
    ("--config",): (
        "An application's configuration; repeatable.",
        "애플리케이션의 설정 파일. 여러 번 사용 가능",
    ),
    ("--env-file",): (
        "A .env file; repeatable. Default: ./.env",
        ".env 파일. 여러 번 사용 가능. 기본 ./.env",
    ),
    ("--security",): ("tls, starttls, opportunistic or none.", "tls, starttls, opportunistic, none 중 하나"),
    ("--profile", "--all-profiles"): (
        "Of smtpdoctor.toml or pyproject.toml.",
        "smtpdoctor.toml이나 pyproject.toml의 프로필",
    ),
    ("--retries",): ("So often again after a temporary failure.", "일시적인 실패일 때 다시 시도할 횟수"),
    ("--fail-on",): ("error, warning, permanent or never.", "error, warning, permanent, never 중 하나"),
    ("--anchor",): ("Where findings go that stand in no file.", "파일에 없는 설정을 표시할 위치"),
    ("--ca-file",): ("Trust these CAs instead of the system's.", "시스템 대신 이 CA 인증서를 신뢰"),
    ("--egress",): (
        "Which mail ports are open from here; no login.",
        "열린 메일 포트만 확인, 로그인하지 않음",
    ),
    ("--verbose",): ("All there is to say.", "빠짐없이 표시"),
    ("explain WORDS",): (
        "An error text, a log, an id, a code or a variable.",
        "오류 메시지, 로그, 진단 ID, 코드 또는 변수",
    ),
    ("--host", "--port"): ("The SMTP server, and its port.", "SMTP 서버의 이름과 포트"),
    ("--service", "--app-version"): (
        "Of a Compose file or manifest; of the application.",
        "Compose 파일의 서비스, 애플리케이션의 버전",
    ),
    ("--password-file", "--password-stdin", "--ask-password"): (
        "Where the password comes from.",
        "비밀번호: 파일, 표준 입력, 직접 입력 중 하나",
    ),
    ("--timeout", "--deadline"): (
        "Limit of a stage (10), and of the whole run (60).",
        "한 단계(10초)와 전체 실행(60초)의 제한 시간",
    ),
    ("--ipv4", "--ipv6"): ("This IP version only.", "이 IP 버전만 사용"),
    ("--quiet", "--verbose"): (
        "Only the verdict; or all there is to say.",
        "결과만 표시, 또는 빠짐없이 표시",
    ),
    ("--output", "--force"): (
        "Write to this file; also to a foreign one.",
        "보고서를 파일로 저장, --force는 다른 파일도 덮어씀",
    ),
    ("--lang", "--no-color"): (
        "Language (also SMTPDOCTOR_LANG); no colour.",
        "언어(SMTPDOCTOR_LANG으로도 지정), 색 끄기",
    ),
    ("--version", "--help"): ("Print the version; show this help.", "버전 표시, 이 도움말 표시"),
}

EXAMPLES: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "": (
        ("smtpdoctor check --sandbox", "a whole run, without any server", "서버 없이 전체 과정 보기"),
        ("smtpdoctor lint --config compose.yaml", "settings alone, no network", "네트워크 없이 설정만 검사"),
        ('smtpdoctor explain "535 5.7.8 …"', "the cause behind an error", "오류의 원인 찾기"),
    ),
    "check": (
        ("smtpdoctor check", "with ./.env and the environment", "./.env와 환경 변수로 검사"),
        ("smtpdoctor check --config compose.yaml --service web", "", ""),
        ("smtpdoctor check --preset gmail --username you@gmail.com --ask-password", "", ""),
        ("smtpdoctor check --egress --preset sendgrid", "which ports are open", "열린 포트 확인"),
    ),
    "lint": (
        ("smtpdoctor lint", "./.env and the environment", "./.env와 환경 변수"),
        ("smtpdoctor lint --config compose.yaml --strict", "for CI", "CI용"),
    ),
    "explain": (
        ('smtpdoctor explain "535 5.7.8 Authentication failed" --preset gmail', "", ""),
        ("journalctl -f -u app | smtpdoctor explain --follow", "", ""),
    ),
    "presets": (
        ("smtpdoctor presets", "the list", "목록"),
        ("smtpdoctor presets gmail", "one of them", "하나 보기"),
        ("smtpdoctor presets you@naver.com", "by an address", "주소로 찾기"),
    ),
    "apps": (
        ("smtpdoctor apps", "the list", "목록"),
        ("smtpdoctor apps django", "one of them", "하나 보기"),
    ),
    "generate": (
        ("smtpdoctor generate gmail", "prints a .env file", ".env 내용 출력"),
        ("smtpdoctor generate gmail --write .env --ask-password", "", ""),
        ("smtpdoctor generate sendgrid --set sender=no-reply@example.com", "", ""),
    ),
    "convert": (("smtpdoctor convert .env --to django", "", ""),),
    "fix": (
        ("smtpdoctor fix", "shows the change", "바꿀 내용 보기"),
        ("smtpdoctor fix --write", "applies it", "적용"),
    ),
    "sandbox": (("smtpdoctor sandbox --starttls-port 2525 --count 1", "", ""),),
    "completion": (
        ("source <(smtpdoctor completion bash)", "in ~/.bashrc", "~/.bashrc에"),
        (
            "source <(smtpdoctor completion zsh)",
            "in ~/.zshrc, after compinit",
            "~/.zshrc에서 compinit 다음에",
        ),
        ("smtpdoctor completion fish | source", "in config.fish", "config.fish에"),
    ),
}

KOREAN: Final[dict[str, str]] = {
    "check": "실제 서버를 상대로 단계를 차례로 실행하고, 실패하면 원인을 알려 줍니다.\n\n"
    "--to가 없으면 메일을 보내지 않습니다. MAIL FROM까지 확인한 뒤 취소합니다.",
    "lint": "설정만 검사합니다. DNS를 포함해 네트워크를 쓰지 않습니다.",
    "explain": "오류 메시지나 로그에 담긴 원인을 알려 줍니다. 네트워크를 쓰지 않습니다.\n\n"
    "메시지도 --file도 없으면 표준 입력에서 읽습니다.",
    "presets": "알고 있는 메일 서비스의 목록을 보여 주거나, 그중 하나를 자세히 보여 줍니다.",
    "apps": "설정을 이해하는 애플리케이션의 목록을 보여 주거나, 그중 하나를 자세히 보여 줍니다.",
    "generate": "애플리케이션의 설정을 만들어 출력하거나, --write로 파일에 합칩니다.",
    "convert": "같은 설정을 다른 애플리케이션의 방식으로 바꾸고, 바꿀 수 없는 것을 알려 줍니다.",
    "fix": "check나 lint가 찾은 문제를 고치는 변경을 diff로 보여 줍니다. --write로 적용합니다.",
    "sandbox": "애플리케이션이 메일을 보내 볼 SMTP 서버를 이 컴퓨터에서 실행합니다. 실제로 배달하지는 않습니다.\n\n"
    ".env에 넣을 설정을 출력한 뒤, Ctrl-C를 누를 때까지 받은 메일을 보여 줍니다.",
    "completion": "셸 자동 완성 스크립트를 출력합니다.",
    "--preset": "메일 서비스: gmail, naver, sendgrid 등",
    "--app": "변수를 읽을 애플리케이션. 지정하지 않으면 자동으로 감지",
    "generate --app": "변수를 쓸 애플리케이션. 기본은 기본 변수",
    "--url": "smtp://user@host:587 또는 smtps://…",
    "--host": "SMTP 서버의 이름",
    "--port": "서버의 포트",
    "--security": "tls: 처음부터 TLS, starttls: STARTTLS 필수, opportunistic: 가능하면 STARTTLS, none: 암호화하지 않음",
    "--username": "사용자 이름",
    "--password-file": "비밀번호가 들어 있는 파일",
    "--password-stdin": "비밀번호를 표준 입력에서 읽음",
    "--ask-password": "비밀번호를 물어봄",
    "--sender": "보내는 주소",
    "--ehlo": "EHLO에 쓸 이름",
    "--config": "애플리케이션의 설정 파일: Compose, Kubernetes, YAML, properties, ini, JSON, .env, Ruby, PHP, Python 등. "
    "여러 번 쓰면 나중 것이 우선",
    "--service": "Compose 파일이나 매니페스트의 서비스",
    "--app-version": "실행 중인 애플리케이션의 버전",
    "--env-file": ".env 파일. 여러 번 쓰면 나중 것이 우선. 기본은 ./.env(있을 때)",
    "--no-environment": "현재 환경 변수를 읽지 않음",
    "--profile": "smtpdoctor.toml이나 pyproject.toml의 [tool.smtpdoctor]에 있는 프로필. 여러 번 사용 가능",
    "fix --profile": "smtpdoctor.toml이나 pyproject.toml의 [tool.smtpdoctor]에 있는 프로필",
    "--all-profiles": "그 파일의 모든 프로필을 동시에 검사",
    "--until": "마지막 단계. 기본은 sender, --to가 있으면 send",
    "--to": "이 주소로 테스트 메일 1통 발송",
    "convert --to": "바꿀 애플리케이션",
    "fix --deadline": "전체 실행의 제한 시간(초). 기본 60",
    "convert FILE": "애플리케이션의 설정 파일",
    "--from": "이 파일을 쓰는 애플리케이션. 기본은 자동 인식",
    "convert --write": "기존 내용을 유지하면서 이 파일에 기록",
    "--with-password": "비밀번호도 출력. --write는 항상 기록",
    "convert --force": "--write 파일에 있는 다른 값과 --output 파일 전체를 덮어씀",
    "convert --quiet": "무엇을 기록했는지 알리지 않음",
    "--egress": "어떤 메일 포트가 열려 있는지만 확인. 로그인하지 않음",
    "--sandbox": "내장 서버를 실행하고 그 서버로 검사",
    "--ca-file": "시스템 대신 이 CA 인증서를 신뢰",
    "--timeout": "한 단계의 제한 시간(초). 기본 10",
    "--deadline": "재시도까지 포함한 전체 실행의 제한 시간(초). 기본 60",
    "--retries": "일시적인 실패일 때 다시 시도할 횟수. 받아들여지지 않은 로그인은 다시 하지 않음",
    "--resolver": "이 네임 서버에 질의",
    "--connect-to": "이름은 그대로 두고 ADDR:PORT로 연결",
    "--ipv4": "IPv4만 사용",
    "--ipv6": "IPv6만 사용",
    "--allow-cleartext-auth": "필요하면 로그인 정보를 암호화하지 않고 전송",
    "--transcript": "SMTP 대화를 표시",
    "--strict": "경고도 문제로 봄",
    "--fail-on": "종료 코드 1의 기준: 오류(기본), 경고 포함, 일시적이지 않은 것만, 없음",
    "--ignore": "결과에 영향을 주지 않을 진단 ID. 여러 번 사용 가능",
    "--format": "보고서 형식",
    "check --format": "보고서 형식. terminal, json, json-lines, junit, sarif, github, gitlab, markdown, html, nagios, "
    "prometheus. =FILE을 붙이면 파일에 저장. 여러 번 사용 가능",
    "lint --format": "보고서 형식. terminal, json, json-lines, junit, sarif, github, gitlab, markdown, html, nagios, "
    "prometheus. =FILE을 붙이면 파일에 저장. 여러 번 사용 가능",
    "explain --app": "해결 방법에 이 애플리케이션의 설정 이름을 사용",
    "explain --format": "terminal, json, json-lines, sarif, github, markdown. =FILE이면 파일에 저장. 여러 번 가능",
    "--anchor": "파일에 없는 설정을 sarif, github, gitlab에서 표시할 위치. 기본은 워크플로 파일",
    "--output": "보고서를 이 파일에 저장",
    "--force": "--output이 smtpdoctor가 만들지 않은 파일도 덮어쓰게 함",
    "generate --force": "--write 파일에 있는 다른 값과 --output 파일 전체를 덮어씀",
    "--lang": "언어. 기본은 SMTPDOCTOR_LANG, 로캘 순",
    "--no-color": "색을 쓰지 않음(NO_COLOR와 같음)",
    "--quiet": "결과만 표시",
    "--verbose": "모든 단계, 페이지, 사실을 빠짐없이 표시",
    "--version": "버전을 표시하고 종료",
    "--help": "이 도움말을 표시하고 종료",
    "explain WORDS": "오류 메시지, 로그 파일 이름, 진단 ID, 코드(535), 오류 이름(ECONNREFUSED) 또는 변수(SMTP_TLS)",
    "--file": "로그 파일. 여러 번 사용 가능",
    "--follow": "표준 입력에서 발견하는 대로 표시",
    "--list": "진단 목록을 표시",
    "explain --quiet": "진단마다 한 줄씩 표시",
    "presets NAME": "하나만 보기: ID, 다른 이름, 서버 이름 또는 주소",
    "presets --quiet": "ID만 표시. NAME이 있으면 host:port와 보안 방식만 표시",
    "presets --verbose": "NAME이 있으면 그 서비스 고유의 응답도 표시",
    "apps NAME": "하나만 보기: 변수, 각 값의 의미, 주의할 점",
    "apps --quiet": "ID만 표시. NAME이 있으면 변수만 표시",
    "generate PRESET": "메일 서비스: gmail, naver, sendgrid 등",
    "--set": "값: username, sender, host, port, security, cipher, service(Compose). 여러 번 사용 가능",
    "--for": "파일의 종류. 기본은 --write 파일 이름에 따르고, 없으면 dotenv",
    "--write": "파일을 바꿈. 없으면 변경만 보여 줌",
    "generate --write": "기존 내용을 유지하면서 이 파일에 기록",
    "--fix": "찾은 문제를 고치는 변경을 보여 줌. --write와 함께 쓰면 적용",
    "--backup": "--write로 바꾸기 전의 파일을 FILE.bak으로 남김",
    "--remove-inert": "효과 없는 설정도 지움",
    "--no-network": "lint처럼 설정만으로 판단",
    "generate --quiet": "무엇을 기록했는지 알리지 않음",
    "--starttls-port": "STARTTLS 포트. 0이면 빈 포트",
    "--tls-port": "처음부터 TLS로 연결하는 포트. 0이면 빈 포트",
    "--count": "이만큼 메일을 받으면 종료",
    "sandbox --quiet": "안내 없이 설정과 메일만 표시",
    "sandbox --verbose": "메일의 본문도 표시",
    "completion SHELL": "bash, zsh, fish 중 하나",
}
