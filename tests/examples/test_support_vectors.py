import numpy as np

from examples import support_vectors


def test_it_reads_as_many_digits_as_published(tmp_path, capsys):
    picture = tmp_path / "support_vectors.png"
    right, count = support_vectors.main(picture=picture)
    assert f"{right:.2%}" == f"{support_vectors.PUBLISHED:.2%}" == "96.89%"
    assert 0 < count < 898
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "held-out accuracy 96.89% (published: 96.89%)" in capsys.readouterr().out
    # Whatever order the examples come in.
    others = [support_vectors.main(seed=seed) for seed in range(3)]
    np.testing.assert_allclose(others, 3 * [(right, count)], rtol=2e-3)
