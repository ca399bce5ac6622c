"""Settings: what would protect or do nothing is refused by name, with what was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from qa_service.cli import main
from qa_service.config import CONFIG_FILE, Settings, load_settings
from qa_service.errors import InvalidSettingError

KEY = "a-long-enough-key"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read no settings but the test's own."""
    monkeypatch.chdir(tmp_path)


def refusal(**overrides: object) -> str:
    """Return why the settings are refused."""
    with pytest.raises(InvalidSettingError) as caught:
        load_settings(**overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_defaults_are_taken() -> None:
    """Without variables and file every setting has its default."""
    assert load_settings() == Settings()


def test_protection_without_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """To protect reading by a key that is not set would protect nothing."""
    monkeypatch.setenv("QA_PROTECT_READING", "true")
    assert "QA_API_KEY" in refusal()
    monkeypatch.setenv("QA_API_KEY", KEY)
    assert load_settings().protect_reading


def test_protection_in_the_file_without_a_key_is_refused() -> None:
    """The file is held to the same rule as the environment."""
    Path(CONFIG_FILE).write_text("protect_reading = true\n", encoding="utf-8")
    assert "protect_reading" in refusal()


@pytest.mark.parametrize(
    "key",
    [
        *("", " ", " " * 12, "\t" * 12, "\n" * 9, "\x01" * 12, "short", "  short   "),
        *("abc\ndefghij", "abcdefgh\x7f", "abcdefgh\udcff", "abcdefgh\x1b[0m", "abcdefgh\x9b1m"),
        *("\u00a0" * 12, "\u200b" * 12, "\u2028" * 12, "\u202e" * 12, "abcdefgh\u0085ijkl"),
    ],
)
def test_key_that_no_header_carries_is_refused(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key must be something that a client can send; what it is stays out of the message."""
    monkeypatch.setenv("QA_API_KEY", key)
    message = refusal()
    assert "api_key" in message
    assert not key.strip() or key.strip() not in message


@pytest.mark.parametrize(
    "key", ["words with blanks", "clé-secrète", "مفتاح-سري-جدا", "密钥密钥密钥密钥"]
)
def test_key_of_any_script_is_taken(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients send what is not ASCII as UTF-8."""
    monkeypatch.setenv("QA_API_KEY", key)
    found = load_settings().api_key
    assert found is not None
    assert found.get_secret_value() == key


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", " {}", "{} ", "\t{}\n"])
def test_blanks_around_a_key_do_not_count(around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What files and shells leave around a key is not part of it, as in a header."""
    monkeypatch.setenv("QA_API_KEY", around.format(KEY))
    key = load_settings().api_key
    assert key is not None
    assert key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("QA_PORTECT_READING", "QA_PROTECT_READING"),
        ("QA_API_KEYS", "QA_API_KEY"),
        ("QA_APIKEY", "QA_API_KEY"),
        ("QA_API_KYE", "QA_API_KEY"),
        ("QAAPIKEY", "QA_API_KEY"),
        ("QA__API__KEY", "QA_API_KEY"),
        ("QA_PROTECTREADING", "QA_PROTECT_READING"),
        ("qa_protect_readings", "QA_PROTECT_READING"),
        ("QA_ALLOWED_HOST", "QA_ALLOWED_HOSTS"),
        ("QA_TRUSTED_PROXY", "QA_TRUSTED_PROXIES"),
        ("QA_RATE_LIMIT", "QA_RATE_LIMIT_PER_MINUTE"),
        ("QA_LOG_QUESTION", "QA_LOG_QUESTIONS"),
        ("QA_MAX_UPLOAD", "QA_MAX_UPLOAD_MB"),
    ],
)
def test_misspelt_variable_is_named_with_the_right_one(
    variable: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip does not silently do nothing, and its value, perhaps a key, is not shown."""
    monkeypatch.setenv(variable, "a-secret-value")
    message = refusal()
    assert repr(variable) in message
    assert f"did you mean {meant}?" in message
    assert "a-secret-value" not in message


def test_unlike_variable_gets_no_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is like no setting is refused without guessing."""
    monkeypatch.setenv("QA_XYZZY", "1")
    message = refusal()
    assert "QA_XYZZY" in message
    assert "did you mean" not in message


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what begins like a setting is looked at."""
    for name in ("QADIR", "AQ_API_KEY", "QAT_HOST", "MY_QA_API_KEY"):
        monkeypatch.setenv(name, "1")
    assert load_settings().api_key is None


@pytest.mark.skipif(os.name == "nt", reason="variables have no case there")
def test_case_of_a_variable_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable in small letters is the same setting; two that differ are refused."""
    monkeypatch.setenv("qa_api_key", KEY)
    key = load_settings().api_key
    assert key is not None
    assert key.get_secret_value() == KEY
    monkeypatch.setenv("QA_API_KEY", KEY + "2")
    message = refusal()
    assert "QA_API_KEY and qa_api_key" in message
    assert KEY not in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("protect-reading", "protect_reading"),
        ("QA_API_KEY", "api_key"),
        ("api_kye", "api_key"),
        ("allowed_host", "allowed_hosts"),
    ],
)
def test_unknown_name_in_the_file_is_named_with_the_right_one(name: str, meant: str) -> None:
    """The file's slips are told like the environment's, without the value."""
    Path(CONFIG_FILE).write_text(f'{name} = "a-secret-value"\n', encoding="utf-8")
    message = refusal()
    assert repr(name) in message
    assert f"did you mean {meant}?" in message
    assert "a-secret-value" not in message


@pytest.mark.parametrize("content", [b"api_key = secret", b"\xff\xfe\x00", b"[", b"a = 1\na = 2\n"])
def test_torn_file_is_refused(content: bytes) -> None:
    """What is no TOML is refused with the file's name."""
    Path(CONFIG_FILE).write_bytes(content)
    assert CONFIG_FILE in refusal()


def test_byte_order_mark_before_the_file_does_not_count() -> None:
    """Editors put one there; the settings behind it are taken all the same."""
    Path(CONFIG_FILE).write_text("port = 8123\n", encoding="utf-8-sig")
    assert load_settings().port == 8123


@pytest.mark.parametrize("name", ["index", "articles", "cache", "model_wheel", "model"])
@pytest.mark.parametrize("value", ["a" * 5000, "é" * 200, "a/" * 4000, "a\0b"])
def test_path_that_can_be_none_is_refused(name: str, value: str) -> None:
    """What no file can be called is told by the setting's name, in a message that can be read."""
    message = refusal(**{name: Path(value) if name != "model" else value})
    assert f"QA_{name.upper()}" in message
    assert len(message) < 600


def test_value_in_a_list_of_the_file_is_told_by_its_setting() -> None:
    """The variable that is named is one that can be set, whatever place in the list is wrong."""
    Path(CONFIG_FILE).write_text('allowed_hosts = ["ok.example", 7]\n', encoding="utf-8")
    assert "QA_ALLOWED_HOSTS," in refusal()


def test_file_that_is_none_is_refused() -> None:
    """A folder or a dangling link under the file's name would be passed over unseen."""
    Path(CONFIG_FILE).mkdir()
    assert CONFIG_FILE in refusal()
    Path(CONFIG_FILE).rmdir()
    Path(CONFIG_FILE).symlink_to("nowhere.toml")
    assert CONFIG_FILE in refusal()
    Path(CONFIG_FILE).unlink()
    if hasattr(os, "mkfifo"):
        # To open it would wait for ever.
        os.mkfifo(CONFIG_FILE)
        assert CONFIG_FILE in refusal()


@pytest.mark.parametrize(
    ("hosts", "hint"),
    [
        ("https://qa.example.org", "without scheme"),
        ("qa.example.org/", "without scheme"),
        ("qa.example.org:8000", "without a port"),
        ("[::1]:8000", "without a port"),
        ("*", "wildcards"),
        ("qa.example.org, *.example.org", "wildcards"),
        ("", "no host"),
        (" , ", "no host"),
        ("qa example", "no host name"),
        ("a..b", "no host name"),
        ("user@host", "no host name"),
    ],
)
def test_allowed_host_that_is_none_is_refused(
    hosts: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that no request can carry locks out or lets in another than was meant."""
    monkeypatch.setenv("QA_ALLOWED_HOSTS", hosts)
    message = refusal()
    assert "allowed_hosts" in message
    assert hint in message


def test_allowed_hosts_are_taken_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case, blanks, brackets and scripts are brought to the form of a Host header."""
    monkeypatch.setenv("QA_ALLOWED_HOSTS", " QA.Example.org. ,[::1],10.0.0.7,bücher.example")
    assert load_settings().allowed_hosts == (
        "qa.example.org",
        "::1",
        "10.0.0.7",
        "xn--bcher-kva.example",
    )


@pytest.mark.parametrize("name", ["HOST", "INDEX", "ARTICLES", "CACHE", "MODEL", "PROTECT_READING"])
@pytest.mark.parametrize("value", ["", "  "])
def test_empty_value_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a shell left empty stands for no address, folder or choice."""
    monkeypatch.setenv(f"QA_{name}", value)
    assert name.lower() in refusal()


@pytest.mark.parametrize(
    "arguments",
    [
        ["index"],
        ["ask", "what?"],
        ["serve"],
        ["status"],
        ["verify"],
        ["rollback"],
        ["explain", "what?", "a.txt"],
        ["eval", "questions.jsonl"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_says_so_in_one_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command that reads settings ends with the message and exit code 1."""
    monkeypatch.setenv("QA_PORTECT_READING", "true")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("qa-service: The variable 'QA_PORTECT_READING' is no setting")
    assert result.stderr.count("\n") == 1


def test_a_process_of_its_own_is_refused(tmp_path: Path) -> None:
    """The command as it is started shows no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "qa_service.cli", "status"],
        check=False,
        env=os.environ | {"QA_APIKEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "QA_API_KEY" in done.stderr
    assert KEY not in done.stderr
