"""The product keeps the rules, and each rule notices what it is there for."""

from pathlib import Path

import pytest

from tests.rules import MAY_MARK_SAFE, MAY_USE_FLOAT, faults, source_faults, template_faults

ROOT = Path(__file__).resolve().parent.parent


def test_product_makes_none_of_the_known_mistakes() -> None:
    assert source_faults() == []


def test_pages_escape_all_they_show() -> None:
    assert template_faults(ROOT / "templates") == []


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("requests.get(url)", "requests.get without a timeout"),
        ("requests.post(url, json=body)", "requests.post without a timeout"),
        ("urllib.request.urlopen(url)", "urlopen without a timeout"),
        ("socket.create_connection((host, 80))", "create_connection without a timeout"),
        ("http.client.HTTPSConnection(host, port)", "HTTPSConnection without a timeout"),
        ("smtplib.SMTP(host)", "SMTP without a timeout"),
        ("mark_safe(text)", "mark_safe marks text as safe for HTML; use format_html"),
        ("safestring.mark_safe(text)", "mark_safe marks text as safe for HTML; use format_html"),
        ("SafeString(text)", "SafeString marks text as safe for HTML; use format_html"),
        ("format_html(f'<b>{name}</b>')", "format_html of an f-string escapes nothing"),
        ("given == self.password", "compares a secret with ==, whose time tells how much of it was right"),
        ("api_key != stored", "compares a secret with ==, whose time tells how much of it was right"),
        ("form['Token'] == x", "compares a secret with ==, whose time tells how much of it was right"),
        ("run.delay(1)", ".delay outside on_commit: a worker may look before the row is there"),
        ("run.apply_async((1,))", ".apply_async outside on_commit: a worker may look before the row is there"),
        ("float(units)", "float of a number: units, minutes and money are Decimal"),
        ("adapter.send(request, verify=False)", "checks no certificate"),
        ("context.check_hostname = False", "checks no certificate"),
        ("context.verify_mode = ssl.CERT_NONE", "checks no certificate"),
        ("ssl._create_unverified_context()", "ssl._create_unverified_context checks no certificate"),
        ("subprocess.run(line, shell=True)", "hands text to a shell"),
        ("subprocess.run(line, shell=wanted)", "hands text to a shell"),
        ("os.system(line)", "os.system hands text to a shell"),
        ("csv.writer(out)", "csv.writer past the one guard against formulas; use common.csvfiles or common.exports"),
        ("eval(text)", "eval runs text as a program"),
        ("pickle.loads(data)", "pickle.loads makes objects of foreign bytes"),
        ("yaml.load(text)", "yaml.load makes objects of foreign text; use yaml.safe_load"),
    ],
)
def test_mistake_is_named(source: str, sentence: str) -> None:
    assert faults({"billing.a": source}) == [f"billing.a:1: {sentence}"]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("billing.a", "requests.get(url, timeout=5)"),
        ("billing.a", "urlopen(url, None, 5)"),
        ("billing.a", "socket.create_connection(target, timeout)"),
        ("billing.a", "format_html('<b>{}</b>', name)\nSafeString('')"),
        ("billing.a", "compare_digest(password, given)\npassword == ''\ntoken is None\nhash_of_day == other"),
        ("billing.a", "transaction.on_commit(lambda: tasks.run.delay(pk))\non_commit(partial(run.delay, pk))"),
        ("billing.tasks", "run.delay(pk)"),
        ("common.csvfiles", "csv.writer(out)"),
        ("common.chart_scales", "float(x)"),
        ("generic_interface.simulator.model", "float(x)\nagent.password == password"),
        ("billing.a", "subprocess.run(words, shell=False)\nyaml.safe_load(text)\nre.compile('x')"),
        ("billing.migrations.0001", "mark_safe(text)"),
    ],
)
def test_what_is_no_mistake_passes(name: str, source: str) -> None:
    assert faults({name: source}) == []


def test_exceptions_are_modules_that_there_are() -> None:
    names = [*MAY_USE_FLOAT, *MAY_MARK_SAFE]

    assert [name for name in names if not (ROOT / f"{name.replace('.', '/')}.py").exists()] == []


@pytest.mark.parametrize(
    "line",
    ["{{ text|safe }}", "{{ text | safe }}", "{{ rows|safeseq|join:' ' }}", "{% autoescape off %}", "{% debug %}"],
)
def test_unescaped_text_on_a_page_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "page.html").write_text(f"<p>\n{line}", encoding="utf-8")

    assert template_faults(tmp_path) == ["page.html:2: shows text without escaping it"]


def test_key_that_gets_a_thousands_separator_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<button value="{{ session.pk }}">\n<p id="a-{{ row.system.id }}">', "utf-8")

    sentence = "writes a key as a number for people, from 1,000 on; use unlocalize"
    assert template_faults(tmp_path) == [f"page.html:{line}: {sentence}" for line in (1, 2)]


def test_escaped_text_passes(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        "{{ text }} {{ is_safe }} {{ text|safely }} {{ row.pk|unlocalize }} {{ widget.attrs.id }}", encoding="utf-8"
    )

    assert template_faults(tmp_path) == []
