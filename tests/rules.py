"""Small rules against known mistakes, read from the source: ``faults`` for Python, ``template_faults`` for pages.

Each returns one sentence for a fault. The rules of the house (floors, ranks, imports) stand in ``architecture``.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture import read_sources

SECRET = re.compile(
    r"(?:^|_)(?:passwords?|passphrase|secrets?|tokens?|api_?key|session_?id|signature|hmac|nonce)$", re.IGNORECASE
)
MAY_COMPARE = ("generic_interface.simulator.",)
"""The stand-in ticket system, whose passwords are printed."""
MAY_USE_FLOAT = {
    "common.chart_scales": "where a mark stands in a picture",
    "portal.health.metrics": "a yes or no for Prometheus",
    "registration.values": "a number that a foreign program reports, looked at for infinity",
}
MAY_COUNT_IN_FLOAT = ("generic_interface.simulator.",)
"""Sums floats as the real one does."""
NEEDS_TIMEOUT = {  # how many arguments may stand before the timeout when it is given by its place
    "urlopen": 2,
    "create_connection": 1,
    "HTTPConnection": 2,
    "HTTPSConnection": 2,
    "SMTP": 3,
    "SMTP_SSL": 5,
}
REQUESTS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
UNSAFE = {
    "mark_safe": "marks text as safe for HTML; use format_html",
    "eval": "runs text as a program",
    "exec": "runs text as a program",
    "os.system": "hands text to a shell",
    "os.popen": "hands text to a shell",
    "subprocess.getoutput": "hands text to a shell",
    "subprocess.getstatusoutput": "hands text to a shell",
    "pickle.load": "makes objects of foreign bytes",
    "pickle.loads": "makes objects of foreign bytes",
    "marshal.loads": "makes objects of foreign bytes",
    "yaml.load": "makes objects of foreign text; use yaml.safe_load",
    "yaml.unsafe_load": "makes objects of foreign text; use yaml.safe_load",
    "tempfile.mktemp": "names a file that somebody else may make first",
    "ssl._create_unverified_context": "checks no certificate",
}
MAY_MARK_SAFE = {"portal.help.documents": "the portal's own documents, rendered with HTML in them switched off"}
WRITERS = {
    "csv.writer": {"common.csvfiles", "billing.kivitendo"},
    "csv.DictWriter": set[str](),
    "xlsxwriter.Workbook": {"common.exports", "billing.files"},
}
"""Files that a person opens go through one guard; kivitendo's importer takes a cell as it stands."""
SENDS = {"delay", "apply_async"}
SWITCHED_OFF = {"verify", "verify_tls", "verify_mode", "check_hostname"}
_OF_TEMPLATES = {
    re.compile(r"\|\s*(?:safe|safeseq)\b|\{%\s*autoescape\s+off|\{%\s*debug\s*%\}"): "shows text without escaping it",
    re.compile(
        r"\{\{\s*[\w.]*(?<!\.attrs)\.(?:pk|id)\s*\}\}"
    ): "writes a key as a number for people, from 1,000 on; use unlocalize",
}


def source_faults() -> list[str]:
    return faults(read_sources(_ROOT))


def faults(sources: dict[str, str]) -> list[str]:
    return sorted(
        f"{name}:{line}: {text}"
        for name, source in sources.items()
        if "migrations" not in name.split(".")
        for line, text in _of_module(name, ast.parse(source))
    )


def template_faults(root: Path) -> list[str]:
    """In every page of the folder."""
    return sorted(
        f"{path.relative_to(root)}:{number}: {text}"
        for path in root.rglob("*.html")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for pattern, text in _OF_TEMPLATES.items()
        if pattern.search(line)
    )


_ROOT = Path(__file__).resolve().parent.parent


def _of_module(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    after_commit = {id(inner) for node in ast.walk(tree) if _is_on_commit(node) for inner in ast.walk(node)}
    is_task = name.rpartition(".")[2] in {"tasks", "own_tasks"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from ((node.lineno, text) for text in _of_call(name, node))
        elif isinstance(node, ast.Compare) and not name.startswith(MAY_COMPARE) and _compares_secrets(node):
            yield node.lineno, "compares a secret with ==, whose time tells how much of it was right"
        elif isinstance(node, ast.Assign) and _switches_off(node):
            yield node.lineno, "checks no certificate"
        elif isinstance(node, ast.Attribute) and node.attr in SENDS and id(node) not in after_commit and not is_task:
            yield node.lineno, f".{node.attr} outside on_commit: a worker may look before the row is there"


def _of_call(name: str, call: ast.Call) -> Iterator[str]:
    called = ast.unparse(call.func)
    last = called.rpartition(".")[2]
    given = {word.arg: word.value for word in call.keywords}
    if last in NEEDS_TIMEOUT and "timeout" not in given and len(call.args) <= NEEDS_TIMEOUT[last]:
        yield f"{last} without a timeout"
    if called.startswith("requests.") and last in REQUESTS and "timeout" not in given:
        yield f"{called} without a timeout"
    for dangerous, why in UNSAFE.items():
        if dangerous == "mark_safe" and name in MAY_MARK_SAFE:
            continue
        if called == dangerous or ("." not in dangerous and called.endswith(f".{dangerous}") and last == "mark_safe"):
            yield f"{dangerous} {why}"
    if called == "SafeString" and call.args and not _is_constant(call.args[0]):
        yield "SafeString marks text as safe for HTML; use format_html"
    if last == "format_html" and call.args and isinstance(call.args[0], ast.JoinedStr):
        yield "format_html of an f-string escapes nothing"
    if any(arg in SWITCHED_OFF and _is_false(value) for arg, value in given.items()):
        yield "checks no certificate"
    if "shell" in given and not _is_false(given["shell"]):
        yield "hands text to a shell"
    if called in WRITERS and name not in WRITERS[called]:
        yield f"{called} past the one guard against formulas; use common.csvfiles or common.exports"
    if called == "float" and name not in MAY_USE_FLOAT and not name.startswith(MAY_COUNT_IN_FLOAT):
        yield "float of a number: units, minutes and money are Decimal"


def _is_on_commit(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "on_commit"


def _compares_secrets(node: ast.Compare) -> bool:
    """Against a constant it is a question whether there is one at all."""
    sides = [node.left, *node.comparators]
    if not all(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops) or any(map(_is_constant, sides)):
        return False
    return any(SECRET.search(_last_name(side)) for side in sides)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return node.id if isinstance(node, ast.Name) else ""


def _switches_off(node: ast.Assign) -> bool:
    named = any(isinstance(target, ast.Attribute) and target.attr in SWITCHED_OFF for target in node.targets)
    return named and (_is_false(node.value) or ast.unparse(node.value).endswith("CERT_NONE"))


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _is_constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant)
