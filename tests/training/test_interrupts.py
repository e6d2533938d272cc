import signal

import pytest

from fnn.training.interrupts import Interrupts


def test_an_interrupt_is_held_back_and_raised_after(interrupt_self):
    with Interrupts() as interrupts:
        interrupts.hold()
        interrupt_self()
        with pytest.raises(KeyboardInterrupt):
            interrupts.release()


def test_outside_a_step_it_comes_at_once(interrupt_self):
    with Interrupts(), pytest.raises(KeyboardInterrupt):
        interrupt_self()


def test_a_second_one_is_not_held_back(interrupt_self):
    with Interrupts() as interrupts:
        interrupts.hold()
        interrupt_self()
        with pytest.raises(KeyboardInterrupt):
            interrupt_self()


def test_the_handler_is_put_back(python_handles_interrupts):
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_programs_own_handler_stays(interrupt_self):
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with Interrupts() as interrupts:
            interrupts.hold()
            interrupt_self()
            interrupts.release()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]
