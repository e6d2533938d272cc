from fnn.datasets.catalogue import SETS
from tests.full_data import needs


def test_each_file_says_what_it_needs():
    files = {path.name: path for path in needs.HERE.glob("test_*.py")}
    assert files.keys() == needs.NEEDS.keys()
    assert {name for sets in needs.NEEDS.values() for name in sets} <= SETS.keys()
    assert all("pytest.mark.slow" in path.read_text() for path in files.values())


def test_what_lacks_its_data_is_left_out_and_said(put, monkeypatch):
    monkeypatch.setattr(
        needs, "NEEDS", {"a.py": ("names", "mnist"), "b.py": ("names",)}
    )
    put("names.txt", b"emma")
    assert needs.left_out() == {"a.py": ["mnist"]}
    assert needs.report() == [
        "tests/full_data/a.py: left out, as there are no files of mnist"
    ]
    monkeypatch.delenv("FNN_DATA")
    assert needs.left_out() == {"a.py": ["names", "mnist"], "b.py": ["names"]}
    assert needs.report() == ["tests/full_data: left out, as FNN_DATA is not set"]


def test_examples_that_read_files_are_known():
    assert needs.read_by_example("fnn.datasets.images.mnist") == ("mnist",)
    assert needs.read_by_example("fnn.datasets.reading.read") == ("rbm_weights",)
    assert needs.read_by_example("fnn.datasets.tables.iris") == ()
    assert needs.read_by_example("fnn.models.mlp.names") == ()
