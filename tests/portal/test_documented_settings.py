"""The settings, .env.example, docker-compose.yml and docs/operations.md speak of the same variables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OF_COMPOSE_ONLY = {"POSTGRES_PASSWORD"}


def names(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def read_by_settings() -> set[str]:
    return names("portal/settings.py", r'env\.\w+\(\s*"([A-Z_]+)"')


def test_example_file_lists_every_variable() -> None:
    assert names(".env.example", r"^#?([A-Z_]+)=") == read_by_settings() | OF_COMPOSE_ONLY


def test_operations_guide_explains_every_variable() -> None:
    assert names("docs/operations.md", r"^\| `([A-Z_]+)`") == read_by_settings() | OF_COMPOSE_ONLY


def test_units_of_systemd_set_only_what_the_settings_read() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "deploy" / "systemd").iterdir()]
    given = {
        name
        for text in texts
        for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
        for name in re.findall(r"(\w+)=", line)
    }

    assert given - {"PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"} <= read_by_settings()
    assert "LOG_FORMAT" in given


def test_proxy_asks_only_for_what_the_example_file_has() -> None:
    asked = names("deploy/proxy/Caddyfile", r"\{\$([A-Z_]+)\}")

    assert asked == {"ALLOWED_HOSTS"}
    assert asked <= names(".env.example", r"^#?([A-Z_]+)=")


def test_tool_versions_agree_between_image_and_environment() -> None:
    assert names("Dockerfile", r"uv==([\d.]+)") == names("scripts/environment", r"^UV_VERSION=([\d.]+)")
