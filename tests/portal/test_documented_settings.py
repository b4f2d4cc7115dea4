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


def test_compose_file_sets_only_what_the_settings_read() -> None:
    of_the_portal = (ROOT / "docker-compose.yml").read_text(encoding="utf-8").partition("services:")[0]

    given = set(re.findall(r"^    ([A-Z_]+):", of_the_portal, re.MULTILINE))

    assert given == {"DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"}
    assert given <= read_by_settings()


def test_compose_file_asks_only_for_what_the_example_file_has() -> None:
    asked = names("docker-compose.yml", r"(?<!\$)\$\{([A-Z_]+)")

    assert asked == OF_COMPOSE_ONLY


def test_tool_versions_agree_between_image_and_environment() -> None:
    assert names("Dockerfile", r"uv==([\d.]+)") == names("scripts/environment", r"^UV_VERSION=([\d.]+)")
