import importlib
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

# A library of a few lines, whose carry is a number and whose loss is the number before.
PEER = """
from peers.program import Absent, Program

NAME, PACKAGES = "{name}", ("numpy",)

def programs(work, batch):
    if work.name == "vae":
        raise Absent("it has none")
    program = Program(
        begin=lambda: 1.0,
        load=lambda weights: 1.0,
        prepare=lambda batch: batch,
        call=lambda carry, batch: (carry * {rate}, carry),
        figure=lambda carry, value: value,
        wait=lambda value: value,
    )
    return {{"slow": program, "loop": program}}
"""


@pytest.fixture
def compare(monkeypatch, tmp_path):
    """`compare.main` that writes to a folder; libraries by name and rate in it."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    compare = importlib.import_module("compare")

    def run(*arguments, **rates):
        for name, rate in rates.items():
            text = PEER.format(name=name, rate=rate)
            (tmp_path / f"{name}.py").write_text(text, "utf-8")
        options = ["--quick", "--output", str(tmp_path / "out"), *arguments]
        if rates:
            options += ["--libraries", *rates]
        status = compare.main(options)
        file = tmp_path / "out" / "compare.json"
        return status, json.loads(file.read_text("utf-8")) if file.exists() else {}

    yield run
    for name in ("compare", "picture", "processes", "report", "timing", "worker"):
        sys.modules.pop(name, None)


def test_it_measures_fnn_and_writes_what_it_says(compare, tmp_path, capsys):
    status, results = compare("mlp", "--libraries", "fnn")
    found = results["mlp"]["libraries"]["fnn"]
    assert status == 0
    assert results["mlp"]["quick"] is True and results["mlp"]["machine"]["cores"] > 0
    assert found["versions"].keys() == {"fnn", "jax", "jaxlib", "optax"}
    assert len(found["losses"]) == 5 and found["losses"][4] < found["losses"][0]
    assert found["idioms"].keys() == {"jit", "trainer"}
    assert len(found["step"]) == 3 and 0 < found["init_again"][0] < found["init"][0]
    parts = sum(found[name][0] for name in ("import", "init", "trace", "compile"))
    assert 0 < found["step"][0] < parts < found["total"][0]
    assert found["peak"][0] > found["temporaries"][0] > 0
    assert found["flops"] > 3 * 2 * 4 * (16 * 32 + 32 * 32 + 32 * 10)  # of products
    assert "losses agree" in capsys.readouterr().out
    assert (tmp_path / "out" / "compare.png").stat().st_size > 10_000


def test_libraries_that_agree_are_timed_and_absent_ones_are_named(compare, capsys):
    status, results = compare("mlp", "vae", one=0.5, other=0.50001)
    assert status == 0
    assert results["mlp"]["libraries"].keys() == {"one", "other"}
    assert 0 < results["mlp"]["spread"] < 1e-4
    assert results["vae"]["absent"] == {"one": "it has none", "other": "it has none"}
    assert "absent: it has none" in capsys.readouterr().out


def test_losses_that_differ_are_an_error_and_nothing_is_timed(compare, capsys):
    status, results = compare("mlp", "vae", one=0.5, two=0.5, wrong=0.501)
    error = capsys.readouterr().err
    assert status == 1
    assert "mlp" not in results and "vae" in results
    assert "mlp: expected equal losses; wrong, slow is far off:" in error
    assert "one, slow: [1.0, 0.5, 0.25, 0.125, 0.0625]" in error


def test_a_library_that_fails_is_an_error_that_shows_what_it_said(compare, capsys):
    status, results = compare("mlp", broken="1.0 / 0")
    assert status == 1 and not results
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_one_of_two_losses_that_is_not_a_number_is_an_error(compare, capsys):
    status, results = compare("mlp", one=0.5, odd="float('nan')")
    assert status == 1 and not results
    assert "expected equal losses; odd, slow is far off" in capsys.readouterr().err


def test_of_a_gpu_it_says_what_share_of_its_rate_is_reached(compare, capsys):
    report = importlib.import_module("report")
    found = {"name": "one", "gpu": "NVIDIA H100 80GB HBM3", "step": [0.5, 0.5]}
    report.print_share("mlp", {"fnn": found | {"flops": 247e12}})
    said = capsys.readouterr().out
    assert "NVIDIA H100 80GB HBM3: 247000.0 GFLOP a step" in said
    assert "494.00 TFLOP/s, 100.0% of 494" in said
    report.print_share("gpt-2-half", {"fnn": found | {"flops": 247e12}})
    assert "49.9% of 989" in capsys.readouterr().out
    report.print_share("mlp", {"fnn": found | {"flops": 247e12, "gpu": None}})
    assert not capsys.readouterr().out
