"""Who may import whom, what `import fnn` costs, and what every public name owes."""

import ast
import doctest
import graphlib
import inspect
import json
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fnn

ROOT = Path(__file__).parent.parent

# A module imports from its own tier and from those above it in this table. A folder
# stands for all that it holds.
TIERS = (
    {"ops", "tree", "contract", "calls", "checks", "forms", "outlines", "shapes"}
    | {"signatures", "taps"},
    {"combinators", "composition", "wiring", "transforms", "layers"},
    {"models"},
    {"training", "datasets", "sharding", "interop", "testing", "inspection"},
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


FILES = {module_name(path): path for path in sorted((ROOT / "fnn").rglob("*.py"))}


def imports(module: str, *, at_import_only: bool = False) -> set[str]:
    """The full names that a module's import statements name, wherever they stand.

    ``from fnn import tree`` names the module ``fnn.tree`` where there is one. With
    `at_import_only`, statements inside functions and under ``if TYPE_CHECKING`` don't
    count.
    """
    found = set()

    def visit(node: ast.AST) -> None:
        lazy = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        )
        if lazy and at_import_only:
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{module}: a relative import"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(inner & FILES.keys())
            if node.module not in {"fnn"} or not inner <= FILES.keys():
                found.add(node.module)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(FILES[module].read_text("utf-8")))
    return found


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] == "fnn"}


def tier(module: str) -> int:
    top = module.split(".")[1]
    found = [level for level, names in enumerate(TIERS) if top in names]
    assert found, f"{module}: its tier is not in the table"
    return found[0]


@pytest.mark.parametrize("module", [m for m in FILES if m != "fnn"])
def test_imports_run_one_way(module: str):
    imported = ours(imports(module))
    assert "fnn" not in imported, f"{module} imports the public names from fnn"
    wrong = [name for name in sorted(imported) if tier(name) > tier(module)]
    assert not wrong, f"{module} imports {wrong}, which stand on it"


def needs(module: str) -> set[str]:
    """The modules that Python runs before `module`, each with the packages around it.

    A package that holds `module` doesn't count: its ``__init__`` gathers what it holds.
    """
    found = set()
    for name in ours(imports(module)):
        while name != "fnn":
            if not module.startswith(f"{name}."):
                found.add(name)
            name = name.rpartition(".")[0]
    return found - {module}


def test_no_modules_import_each_other():
    graphlib.TopologicalSorter({m: needs(m) for m in FILES}).prepare()


def test_import_fnn_pulls_in_nothing_beyond_its_dependencies():
    script = """
import json, sys, jax, numpy, optax
roots = lambda: {name.split(".")[0] for name in sys.modules}
before = roots()
import fnn
print(json.dumps(sorted(roots() - before)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(done.stdout)) - sys.stdlib_module_names == {"fnn"}


def test_import_fnn_changes_no_setting_of_jax():
    script = """
import jax
before = dict(jax.config.values)
import fnn, fnn.testing, fnn.interop
assert dict(jax.config.values) == before
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# For those who work on fnn; the library itself uses none of these.
OF_DEVELOPERS = {"bench", "dev", "parity", "test"}


def declared(requirements: list[str]) -> set[str]:
    """The import names of what pyproject.toml asks for."""
    spelled = {"pillow": "PIL", "scikit-learn": "sklearn"}
    names = {re.split(r"[^\w.-]", requirement)[0] for requirement in requirements}
    return {spelled.get(name, name) for name in names}


@pytest.mark.parametrize("module", FILES)
def test_every_import_is_declared(module: str):
    always = declared(PROJECT["dependencies"]) | sys.stdlib_module_names | {"fnn"}
    extras = {
        name
        for extra, requirements in PROJECT["optional-dependencies"].items()
        if extra not in OF_DEVELOPERS
        for name in declared(requirements)
    }
    at_import = {m.split(".")[0] for m in imports(module, at_import_only=True)}
    lazily = {m.split(".")[0] for m in imports(module)}
    assert at_import <= always
    assert lazily <= always | extras


def public_modules(module: Any = fnn) -> Iterator[Any]:
    """A module, and the public ones that it holds."""
    yield module
    for value in (getattr(module, name) for name in module.__all__):
        if inspect.ismodule(value):
            yield from public_modules(value)


PUBLIC_MODULES = list(public_modules())


def public_names() -> Iterator[tuple[str, Any]]:
    """Every public name by its one path: those of fnn and of its public modules."""
    for module in PUBLIC_MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            if not inspect.ismodule(value):
                yield f"{module.__name__}.{name}", value


@pytest.mark.parametrize("module", PUBLIC_MODULES)
def test_public_names_are_listed_once(module: Any):
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize(
    "value", [pytest.param(value, id=name) for name, value in public_names()]
)
def test_public_name_has_an_example(value: Any):
    text = inspect.getdoc(value) or ""
    assert text
    # What a function of a public module returns is shown by that function's example.
    if not (inspect.isclass(value) and value.__module__.count(".") > 1):
        # That the example runs is for test_documentation.py to see.
        assert doctest.DocTestParser().get_examples(text)


def test_the_core_stays_small():
    core = ("contract", "forms", "combinators", "wiring", "tree")
    lines = {
        name: len(FILES[f"fnn.{name}"].read_text("utf-8").splitlines()) for name in core
    }
    assert sum(lines.values()) < 1000, lines


def test_files_stay_short():
    folders = ("fnn", "tests", "examples", "benchmarks")
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
    }
    long = {name: count for name, count in lines.items() if count > 400}
    assert not long, f"expected files of at most 400 lines, got {long}"
    examples = {n: c for n, c in lines.items() if n.startswith("examples/")}
    assert max(examples.values()) < 150, examples
    of_fnn = [count for name, count in lines.items() if name.startswith("fnn/")]
    assert statistics.median(of_fnn) < 200
