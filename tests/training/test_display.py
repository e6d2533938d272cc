import io
import sys

import pytest

from fnn.training import fit
from fnn.training.display import Bar, Lines, display


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines(text):
    """What was printed, without the speeds."""
    return [line.rsplit("  ", 1)[0] for line in text.splitlines()]


def test_lines_where_there_is_no_terminal(by_hand, capsys):
    fit(
        by_hand(lambda total, batch: {"b": 0.5, "loss": total}),
        0.0,
        [1.0] * 6,
        epochs=1,
        log_every=4,
        evaluate=lambda state: {"error": state / 3},
    )
    out, err = capsys.readouterr()
    assert out == ""
    *trained, evaluated = err.splitlines()
    assert lines("\n".join(trained)) == [
        "step 4/6  loss 1.5  b 0.5",
        "step 6/6  loss 4.5  b 0.5",
    ]
    assert all(line.endswith(" steps/s") for line in trained)
    assert evaluated == "step 6  evaluation: error 2"


def test_speed_is_that_of_seconds_not_of_lines_read_at_once(monkeypatch):
    monkeypatch.setattr("time.perf_counter", lambda: 100.0)
    shown = Lines(None, 1)
    speeds = [(4, 102.0), (8, 102.0), (12, 104.0), (16, 104.0), (20, 104.5)]
    found = [shown.speed(done, now) for done, now in speeds]
    assert found == [4 / 2, 8 / 2, (12 - 8) / 2, (16 - 8) / 2, (20 - 8) / 2.5]


def test_twenty_lines_by_default(by_hand, capsys):
    fit(by_hand(), 0.0, [1.0] * 100, epochs=2)
    assert len(capsys.readouterr().err.splitlines()) == 20


def test_the_number_of_steps_may_be_unknown(by_hand, capsys):
    fit(by_hand(), 0.0, iter([1.0] * 250), epochs=1)
    assert lines(capsys.readouterr().err) == [
        "step 100  loss 49.5",
        "step 200  loss 149.5",
    ]


def test_steps_are_counted_on(by_hand, capsys):
    _, history = fit(by_hand(), 0.0, [1.0] * 4, epochs=1, progress=False)
    fit(by_hand(), 0.0, [1.0] * 4, epochs=1, log_every=2, history=history)
    assert lines(capsys.readouterr().err) == [
        "step 6/8  loss 0.5",
        "step 8/8  loss 2.5",
    ]


def test_progress_can_be_silenced(by_hand, capsys):
    fit(by_hand(), 0.0, [1.0] * 4, epochs=1, progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal(by_hand, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    assert isinstance(display(True, 4, 1), Bar)
    fit(
        by_hand(),
        0.0,
        [1.0] * 4,
        epochs=1,
        evaluate=lambda state: {"error": state},
    )
    shown = terminal.getvalue()
    assert "training" in shown and "4/4" in shown and "loss 1.5" in shown
    assert "step 4  evaluation: error 4" in shown


@pytest.mark.parametrize("total", [4, None])
def test_lines_where_rich_is_missing(total, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "rich", None)
    assert type(display(True, total, 1)) is Lines
