import numpy as np
import pytest

from fnn import datasets

pytestmark = pytest.mark.slow


def test_shakespeare():
    train, valid, symbols = datasets.shakespeare()
    assert train.dtype == valid.dtype == np.int32
    assert (len(train), len(valid), len(symbols)) == (1003854, 111540, 65)
    assert symbols == "".join(sorted(symbols)) and symbols[:3] == "\n !"
    assert np.bincount(np.concatenate([train, valid])).min() > 0
    assert "".join(symbols[i] for i in valid[:11]) == "?\n\nGREMIO:\n"
    # Digits of the tokens that nanoGPT's preparation prints: 18 is "F", 47 is "i".
    assert train[:4].tolist() == [18, 47, 56, 57]


def test_names():
    names = datasets.names()
    assert len(names) == 32033 and names[0] == "emma" and names[-1] == "zzyzx"
    assert set("".join(names)) == set("abcdefghijklmnopqrstuvwxyz")
