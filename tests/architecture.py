"""The rules of the house, read from the source: which module may import which, and what no module does.

``violations`` takes modules as ``{dotted name: source}`` and returns one sentence for each fault.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

FLOORS = {
    "generic_interface": 0,
    "common": 0,
    "audit": 1,
    "tickets": 2,
    "registration": 3,
    "outofoffice": 3,
    "billing": 4,
    "portal": 5,
}
STRANGERS = {
    "common": {"generic_interface"},
    "generic_interface": {"common"},
    "audit": {"generic_interface"},
    "outofoffice": {"registration", "billing"},
    "registration": {"generic_interface", "outofoffice", "billing"},
    "billing": {"registration", "outofoffice"},
}
FOR_ALL = "generic_interface.addresses"  # knows nothing of ticket systems; whoever connects to anything needs it
CLIENT_PACKAGES = {
    "requests",
    "urllib3",
    "defusedxml",
}  # all that the client library may use besides the standard library
NETWORK = {"requests", "urllib3", "urllib.request", "http.client", "smtplib", "ftplib", "xmlrpc.client"}
MAY_USE_NETWORK = ("generic_interface", "registration.client_transport")
# Low to high; a module of an app imports its own rank or lower. What has no name here is a helper, or ranks
# with the queries as soon as it touches the models.
RANKS = {
    "helper": 0,
    "models": 1,
    "queries": 2,
    "beat": 2,
    "examination": 2,
    "work": 2,
    "services": 3,
    "accounts": 3,
    "audited": 3,
    "closing": 3,
    "documents": 3,
    "exports": 3,
    "files": 3,
    "handover": 3,
    "issuing": 3,
    "ledger": 3,
    "messages": 3,
    "mirror": 3,
    "orders": 3,
    "reviewing": 3,
    "routing": 3,
    "runs": 3,
    "self_approval": 3,
    "sending": 3,
    "settling": 3,
    "sign_ins": 3,
    "supplements": 3,
    "statement_files": 3,
    "statements": 3,
    "sync": 3,
    "uploads": 3,
    "watching": 3,
    "forms": 4,
    "filters": 4,
    "tables": 4,
    "line_pages": 4,
    "message_pages": 4,
    "order_pages": 4,
    "review_forms": 4,
    "middleware": 4,
    "tasks": 5,
    "admin": 6,
    "views": 6,
    "routes": 6,
    "service": 6,
    "document": 6,
    "document_pages": 6,
    "templatetags": 6,
    "management": 6,
    "urls": 7,
}
PAGE_PACKAGES = {"reports", "health", "search", "api"}
UNRANKED = {"apps", "settings", "celery", "wsgi", "migrations"}  # wiring
KIVITENDO_USERS = {"billing.files", "billing.handover"}
KIVITENDO_READER = "billing.kivitendo_database"  # the one module that reaches kivitendo's database
SIMULATOR_USERS = ("generic_interface.simulator", "portal.demo", "portal.management.commands")
MAY_PRINT = ("management",)
CUSTOMER_SCOPED = {"Customer", "Ticket", "TimeEntry", "Order"}


@dataclass(frozen=True)
class Module:
    name: str
    tree: ast.Module
    imports: frozenset[str]  # dotted names as written; `from a import b` gives a.b

    @property
    def app(self) -> str:
        return self.name.partition(".")[0]

    @property
    def part(self) -> str:
        """The name below the app, or below its package of pages, that says what the module is for, such as views."""
        names = [name for name in self.name.split(".")[1:] if name not in PAGE_PACKAGES]
        return names[0] if names else ""


def read_sources(root: Path) -> dict[str, str]:
    """Every module of the product, without migrations."""
    paths = [path for app in FLOORS for path in sorted((root / app).rglob("*.py"))]
    return {_dotted(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}


def violations(sources: dict[str, str]) -> list[str]:
    modules = {name: _parse(name, text) for name, text in sources.items()}
    graph = {name: _own_imports(module, modules) for name, module in modules.items()}
    found: list[str] = []
    for module in modules.values():
        if "migrations" in module.name.split("."):
            continue
        found += _floor_faults(module)
        found += _rank_faults(module, graph[module.name], modules)
        found += _habit_faults(module)
    found += [f"circle of imports: {' -> '.join(circle)}" for circle in _circles(graph)]
    return sorted(found)


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _parse(name: str, text: str) -> Module:
    tree = ast.parse(text)
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                imports.add("." * node.level + base)  # reported as relative
            else:
                imports |= {f"{base}.{alias.name}" for alias in node.names}
    return Module(name, tree, frozenset(imports))


def _own_imports(module: Module, modules: dict[str, Module]) -> set[str]:
    """Imports inside the product, each as the module that is meant."""
    targets = set()
    for name in module.imports:
        owner = name if name in modules else name.rpartition(".")[0]
        if owner in modules and owner != module.name:
            targets.add(owner)
    return targets


def _floor_faults(module: Module) -> Iterator[str]:
    for name in sorted(module.imports):
        top = name.partition(".")[0]
        if name.startswith("."):
            yield f"{module.name}: relative import {name}"
        elif top == "tests" or FLOORS.get(top, -1) > FLOORS[module.app] or _is_stranger(name, module.app):
            yield f"{module.name}: {module.app} may not import {name}"
        elif module.app == "generic_interface" and top not in {module.app, *CLIENT_PACKAGES, *sys.stdlib_module_names}:
            yield f"{module.name}: the client library may not import {name}"
        elif _is_of(name, "generic_interface.simulator") and not module.name.startswith(SIMULATOR_USERS):
            yield f"{module.name}: the simulator is for the demo and for tests"
        elif _is_of(name, "psycopg") and module.name != KIVITENDO_READER:
            yield f"{module.name}: reaches a database past {KIVITENDO_READER} with {name}"
        elif _is_network(name) and not module.name.startswith(MAY_USE_NETWORK):
            yield f"{module.name}: reaches the network past its client with {name}"
    uses_kivitendo = any(_is_of(name, "billing.kivitendo") for name in module.imports)
    if uses_kivitendo and module.name not in KIVITENDO_USERS:
        yield f"{module.name}: kivitendo is known to {' and '.join(sorted(KIVITENDO_USERS))} only"


def _is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _is_stranger(name: str, app: str) -> bool:
    return name.partition(".")[0] in STRANGERS.get(app, set()) and not _is_of(name, FOR_ALL)


def _is_network(name: str) -> bool:
    return any(_is_of(name, package) for package in NETWORK)


def _rank(module: Module, modules: dict[str, Module]) -> int | None:
    if module.app in {"generic_interface", "common"} or not module.part or module.part in UNRANKED:
        return None
    for known, rank in RANKS.items():
        if module.part == known or module.part.endswith(f"_{known}"):
            return rank
    touches_models = any(".models" in item or item.endswith("models") for item in _own_imports(module, modules))
    return RANKS["queries" if touches_models else "helper"]


def _rank_faults(module: Module, targets: set[str], modules: dict[str, Module]) -> Iterator[str]:
    own = _rank(module, modules)
    for target in sorted(targets):
        other = _rank(modules[target], modules)
        if modules[target].app == module.app and own is not None and other is not None and other > own:
            yield f"{module.name}: imports {target}, which ranks above it"


def _habit_faults(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        where = f"{module.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            if any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node)):
                yield f"{where}: import inside a function"
        elif isinstance(node, ast.ExceptHandler):
            if _is_broad(node.type):
                yield f"{where}: broad except"
        elif _is_print(node) and module.part not in MAY_PRINT:
            yield f"{where}: print outside a command"
    if module.part.endswith(("views", "routes")):
        yield from _unscoped_queries(module)
    if module.name == "generic_interface.client":
        yield from _undocumented(module)


def _is_print(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def _is_broad(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )


def _unscoped_queries(module: Module) -> Iterator[str]:
    """A view starts every query of what belongs to a customer with ``visible_to``."""
    scoped = {id(node.value) for node in ast.walk(module.tree) if _is_attribute(node, "visible_to")}
    for node in ast.walk(module.tree):
        if _is_attribute(node, "objects") and id(node) not in scoped:
            owner = ast.unparse(node.value)
            if owner in CUSTOMER_SCOPED:
                yield f"{module.name}:{node.lineno}: {owner}.objects without visible_to"


def _is_attribute(node: ast.AST, name: str) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr == name


def _undocumented(module: Module) -> Iterator[str]:
    for outer in module.tree.body:
        inner = outer.body if isinstance(outer, ast.ClassDef) else []
        for node in [outer, *inner]:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith(("_", "close")):
                continue
            if not ast.get_docstring(node):
                yield f"{module.name}:{node.lineno}: {node.name} has no docstring"


def _circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Every circle once, found by walking deep and noting what is on the way."""
    circles: list[list[str]] = []
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> None:
        if name in way:
            circles.append([*way[way.index(name) :], name])
            return
        if name in done:
            return
        for target in sorted(graph[name]):
            walk(target, [*way, name])
        done.add(name)

    for name in sorted(graph):
        walk(name, [])
    return circles
