"""The page of the documentation that shows the table."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence

from tests.proof.columns import CONTRACT
from tests.proof.rows import Row
from tests.proof.table import FILES, NO_LAYERS, ROWS, TESTS, messages

PAGE = TESTS.parent / "docs" / "proof.md"
NONE, HOLDS = "–", "✓"
COLUMNS = (
    *("float64", "float32", "bfloat16", "PyTorch"),
    *("gradients", "second order", "contract", "jit", "vmap", "messages"),
)

Counts = dict[str, Mapping[str, int]]  # by column, and by name

PROSE = """\
# Proof

What each public layer, transform and model of fnn is held to by tests that run before
every change lands. A name that is exported and has no row here fails them.

- **float64, float32, bfloat16**: how far the outputs and the new state may be from the
  layer's equation, written out in float64 NumPy independently of fnn (where the link
  leads): the largest difference, relative to the largest value of an array. Params,
  state and inputs are drawn at random in that dtype, none left at zero or one. In
  float64 all but rounding shows, such as an equation that is wrong in the tenth digit;
  0 means that no bit differs.
- **PyTorch**: in how many cases, or more, values, gradients and new state are compared
  with PyTorch's of the same params; {none} where it has no such layer.
- **gradients, second order**: first derivatives by all params and inputs, in reverse
  and in forward mode, and second ones, in each mode of each mode, agree with each other
  and with finite differences in float64, by `fnn.testing.check_gradients`.
- **contract**: what every layer promises, by `fnn.testing.check_layer`: it draws from
  shapes what it draws from arrays, refuses params of another model, returns state like
  the one it got, gives the same bits twice, is traced once, takes leading axes for
  batch axes, draws from its key alone, and is equal to what the same call builds.
- **jit, vmap**: `jax.jit` changes nothing, and `jax.vmap` gives what a loop does, in
  training and out of it; neither is off by more than 1e-5 of the largest value.
- **messages**: how many different sentences, or more, tests expect of its errors.

{table}

{notes}

## Public names that make no layer

{others}

## How this page is made

```sh
python -m tests.proof.write_table
```

writes it from the rows; where PyTorch is not installed, its column stays as it is. A
test fails while it says other or more than that, and `pytest tests/proof tests/parity`
measures all cells: rows and equations are in [tests/proof](../tests/proof), the cases
of PyTorch in [tests/parity](../tests/parity).
"""


def page(counts: Counts) -> str:
    """The page that shows these numbers beside what rows say."""
    notes: dict[str, int] = {}
    lines = [["", *COLUMNS], ["---"] * (1 + len(COLUMNS))]
    for name, rows in sorted(ROWS.items()):
        low = bound(rows, "bfloat16") + marks(rows, ["dtypes"], notes)
        lines.append(
            [
                f"[`{name}`](../tests/proof/{FILES[name]})",
                bound(rows, "float64"),
                bound(rows, "float32"),
                low,
                str(counts["PyTorch"].get(name, NONE)),
                kept(rows, ["gradients"], notes),
                kept(rows, ["second order"], notes),
                kept(rows, CONTRACT, notes),
                kept(rows, ["jit"], notes),
                kept(rows, ["vmap"], notes),
                str(counts["messages"].get(name, NONE)),
            ]
        )
    others = [
        f"- `{name}`, {what}: [tests/{where}](../tests/{where})"
        for name, (what, where) in NO_LAYERS.items()
    ]
    return PROSE.format(
        none=NONE,
        table="\n".join(f"| {' | '.join(cells)} |" for cells in lines),
        notes="\n".join(f"[^{i}]: {reason}" for reason, i in notes.items()),
        others="\n".join(others),
    )


def bound(rows: Sequence[Row], dtype: str) -> str:
    """The error that all rows of a name keep within."""
    return f"{max(getattr(row.errors, dtype) for row in rows):g}".replace("e-0", "e-")


def kept(rows: Sequence[Row], promises: Sequence[str], notes: dict[str, int]) -> str:
    """A mark where rows keep promises, with notes on those that they don't make."""
    made = any(promise not in row.skip for row in rows for promise in promises)
    return (HOLDS if made else NONE) + marks(rows, promises, notes)


def marks(rows: Sequence[Row], promises: Sequence[str], notes: dict[str, int]) -> str:
    """References to the reasons, which are numbered as they come."""
    reasons = [row.skip[p] for row in rows for p in promises if p in row.skip]
    numbers = [notes.setdefault(reason, len(notes) + 1) for reason in reasons]
    return "".join(f"[^{number}]" for number in sorted({*numbers}))


# ------------------------------------------------------------------------- the numbers
def counted() -> Counts:
    """How many tests there are of each name, by column.

    Without PyTorch its cases can't be counted: then what the page says of them.
    """
    return {"messages": messages(), "PyTorch": comparisons()}


def comparisons() -> Mapping[str, int]:
    """How many cases of each name are compared with PyTorch."""
    if importlib.util.find_spec("torch") is None:
        return shown(PAGE.read_text())["PyTorch"]
    sys.path.append(str(TESTS / "parity"))
    from torch_cases import CASES  # pyright: ignore[reportMissingImports]

    return {name: len(cases) for name, cases in CASES.items()}


def shown(text: str) -> Counts:
    """The numbers that a page shows."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines()]
    lines = [cells for cells in lines if cells[0].startswith("[`")]
    counts: Counts = {}
    for column in ("messages", "PyTorch"):
        at = 1 + COLUMNS.index(column)
        cells = {cells[0].split("`")[1]: cells[at] for cells in lines}
        counts[column] = {name: int(n) for name, n in cells.items() if n != NONE}
    return counts
