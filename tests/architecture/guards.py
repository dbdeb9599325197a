"""The rules of the tree as functions: text in, faults out, one line each. Tests feed them bad samples too."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

Faults = list[str]

# ---- imports ----------------------------------------------------------------------------------------

MICROPYTHON_ONLY = {"machine", "micropython", "rp2", "uctypes", "vfs", "_thread"}
FIRMWARE_MAY_IMPORT = MICROPYTHON_ONLY | set(sys.stdlib_module_names) | {"bone", "main"}
MACHINE_IMPORTERS = {"firmware/main.py", "firmware/bone/board.py"}
PROTOCOL_MAY_IMPORT = {"construct", "cobs", "popsense_protocol"} | set(sys.stdlib_module_names)
NUMPY_IN_PROTOCOL = ("protocol/popsense_protocol/layouts.py", "protocol/popsense_protocol/bulk.py")
EAGER_IMPORTS_ALLOWED = {"__future__", "typing"}


def imported_roots(tree: ast.AST) -> Iterator[str]:
    """Top-level names of all modules that are imported anywhere below this node; "." for relative imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else (node.module or "").split(".")[0]


def firmware_faults(path: str, source: str) -> Faults:
    """Firmware imports itself and MicroPython; `machine` in two files only."""
    roots = set(imported_roots(ast.parse(source)))
    faults = [f"{path}: imports {root}" for root in sorted(roots - FIRMWARE_MAY_IMPORT - {"."})]
    if "machine" in roots and path not in MACHINE_IMPORTERS:
        faults.append(f"{path}: imports machine; only {sorted(MACHINE_IMPORTERS)} may")
    return faults


def protocol_faults(path: str, source: str) -> Faults:
    """The protocol package imports construct, cobs and the standard library; numpy where it is the point."""
    allowed = PROTOCOL_MAY_IMPORT | ({"numpy"} if path in NUMPY_IN_PROTOCOL else set())
    roots = set(imported_roots(ast.parse(source)))
    return [f"{path}: imports {root}" for root in sorted(roots - allowed - {"."})]


def eager_import_faults(path: str, source: str) -> Faults:
    """Nothing is imported when the module is (inside functions and `if TYPE_CHECKING:` is fine)."""
    at_import = (node for node in ast.parse(source).body if not _runs_later(node))
    roots = {root for node in at_import for root in imported_roots(node)}
    return [f"{path}: imports {root} eagerly" for root in sorted(roots - EAGER_IMPORTS_ALLOWED)]


def _runs_later(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef)


# ---- texts ------------------------------------------------------------------------------------------

PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!]*")
# Written so that they do not match themselves.
INDEX_ADDRESS = re.compile(
    r"https?://\S+(?:/simple\b|/packages/|\.whl\b|\.tgz\b)|files\.pythonhosted\.|registry\.(?:npmjs|yarnpkg)\."
    r"|--(?:extra-)?index[-]url|--find[-]links"
)
MACHINE_PATH = re.compile(r"(?<![\w.~-])(?:/(?:work|root|home|Users)/|[A-Z]:\\Users\\)")
LOCK_FILE = re.compile(
    r"(?:uv|poetry|pdm|Pipfile|package|composer|Cargo)[-.]lock(?:\.json)?|package-lock\.json|yarn\.lock"
    r"|pnpm-lock\.yaml|pylock(?:\..+)?\.toml|conda-lock\.ya?ml"
)
SOURCE_SUFFIXES = {".py", ".pyi", ".js", ".css", ".html", ".sh"}
LONGEST_FILE = 400


def constraints_faults(text: str) -> Faults:
    """Every line is `name==version`: no address, no path, no option."""
    return [f"line {n}: {line!r}" for n, line in enumerate(text.splitlines(), 1) if not PIN.fullmatch(line)]


def address_faults(path: str, text: str) -> Faults:
    """No address of a package index and no absolute path of somebody's machine."""
    found = [*INDEX_ADDRESS.findall(text), *MACHINE_PATH.findall(text)]
    return [f"{path}: {match}" for match in found]


def name_faults(path: str) -> Faults:
    """No lock file: they hold addresses of the index that somebody happened to use."""
    return [f"{path}: lock file"] if LOCK_FILE.fullmatch(PurePosixPath(path).name) else []


def length_faults(path: str, text: str) -> Faults:
    """A source file is one idea: split past 400 lines."""
    lines = text.count("\n")
    too_long = PurePosixPath(path).suffix in SOURCE_SUFFIXES and lines > LONGEST_FILE
    return [f"{path}: {lines} lines"] if too_long else []


OWN_SKIP = re.compile(r"\b(?:pytest\.skip\(|pytest\.mark\.skip|pytest\.importorskip|unittest\.skip)")


def skip_faults(path: str, text: str) -> Faults:
    """Tests skip through `require` of conftest.py only, or POPSENSE_REQUIRE would not notice."""
    return [f"{path}: {match}" for match in OWN_SKIP.findall(text)] if path != "tests/conftest.py" else []


# ---- pyproject.toml -----------------------------------------------------------------------------------

REASONED_ARRAY = re.compile(r"(?:requires|dependencies|test|app|archive|postgres|cluster|ignore)\s*=\s*\[")
REASONED_TABLE = "[tool.ruff.lint.per-file-ignores]"


def reasonless_lines(text: str) -> Faults:
    """Dependencies and exceptions without a comment on their line or right above it."""
    lines = text.splitlines()
    return [
        f"line {n + 1}: {lines[n].strip()}"
        for n in _lines_that_need_a_reason(lines)
        if not _has_comment(lines[n]) and not (n and lines[n - 1].lstrip().startswith("#"))
    ]


def _lines_that_need_a_reason(lines: list[str]) -> Iterator[int]:
    in_array = in_table = False
    for n, line in enumerate(lines):
        if line.startswith("["):
            in_table, in_array = line.strip() == REASONED_TABLE, False
        starts = REASONED_ARRAY.match(line) is not None
        if (starts and '"' in line) or ((in_array or in_table) and line.lstrip().startswith('"')):
            yield n
        in_array = (in_array or starts) and not _without_comment(line).rstrip().endswith("]")


def _without_comment(line: str) -> str:
    return re.sub(r'("[^"]*")|#.*', lambda match: match.group(1) or "", line)


def _has_comment(line: str) -> bool:
    return _without_comment(line) != line


def all_faults(faults: Iterable[Faults]) -> Faults:
    """One list, for one assertion that shows every fault."""
    return [fault for some in faults for fault in some]
