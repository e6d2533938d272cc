import gzip
import hashlib
import re
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fnn import datasets
from fnn.datasets.catalogue import SETS

CONTENT = b"emma\nolivia\n" * 9000


@pytest.fixture
def serve(monkeypatch) -> Iterator[Callable[..., str]]:
    """Publishes bytes on this machine; the address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(content: bytes, *, status: int = 200, length: int | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(length or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *said: object) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,)).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/names.txt"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_lacking_is_downloaded_once(serve, declare, folder, pack):
    declare("names.txt", CONTENT, serve(pack(CONTENT)))
    assert datasets.names()[:2] == ("emma", "olivia")
    assert [path.name for path in folder.iterdir()] == ["names.txt"]
    assert (folder / "names.txt").read_bytes() == CONTENT
    declare("names.txt", CONTENT, "http://127.0.0.1:9/")  # nobody is there
    assert datasets.read("names.txt") == CONTENT


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_shows_it_on_a_terminal(serve, declare, monkeypatch, capsys, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    declare("names.txt", CONTENT, serve(CONTENT))
    datasets.names()
    shown = capsys.readouterr()
    assert ("100%" in shown.err) == terminal and shown.out == ""


def said(folder, address: str, why: str) -> str:
    return re.escape(
        f"names: expected names.txt in {folder}, got no such file, nor its download "
        f"from {address} ({why}); put it there."
    )


def test_a_page_that_is_gone(serve, declare, folder):
    address = serve(b"no", status=404)
    declare("names.txt", CONTENT, address)
    message = said(folder, address, "status 404")
    with pytest.raises(FileNotFoundError, match=f"^{message}$"):
        datasets.names()
    assert not list(folder.iterdir())


def test_no_network(declare, folder, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    address = "http://127.0.0.1:9/names.txt"
    declare("names.txt", CONTENT, address)
    message = said(folder, address, "ConnectionError")
    with pytest.raises(FileNotFoundError, match=f"^{message}$"):
        datasets.names()


@pytest.mark.parametrize("sent", [0, 1, 50_000, len(CONTENT) - 1])
def test_a_connection_that_breaks(serve, declare, folder, sent):
    address = serve(CONTENT[:sent], length=len(CONTENT))
    declare("names.txt", CONTENT, address)
    message = said(folder, address, "ChunkedEncodingError")
    with pytest.raises(FileNotFoundError, match=f"^{message}$"):
        datasets.names()
    assert not list(folder.iterdir())


def test_a_download_that_is_damaged(serve, declare, folder):
    damaged = CONTENT.replace(b"emma", b"anna")
    address = serve(damaged)
    file = declare("names.txt", CONTENT, address)
    message = re.escape(
        f"names: expected {address} with SHA-256 {file.sha256}, got "
        f"{hashlib.sha256(damaged).hexdigest()}; it is damaged, or another file of "
        "that name."
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        datasets.names()
    assert not list(folder.iterdir())


def test_what_nobody_publishes(folder):
    message = re.escape(
        f"binarized_mnist: expected mnist_binarized_sm08.npz in {folder}, got no such "
        "file, and it is not published for download; put it there."
    )
    with pytest.raises(FileNotFoundError, match=f"^{message}$"):
        datasets.binarized_mnist()


def test_a_name_of_no_file():
    message = "read: expected the name of a file that a data set has, got 'mnist'."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        datasets.read("mnist")


def test_without_the_package_that_downloads(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    message = re.escape(
        "names: expected the packages of the extra 'datasets', got no module pooch; "
        "pip install 'fnn[datasets]'."
    )
    with pytest.raises(ModuleNotFoundError, match=f"^{message}$"):
        datasets.names()
    monkeypatch.delenv("FNN_DATA")
    with pytest.raises(ModuleNotFoundError, match=r"^datasets: expected the packages"):
        datasets.names()


@pytest.mark.parametrize("name", SETS)
def test_the_catalogue_is_well_formed(name):
    for file in SETS[name].files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.address == "" or re.match("https?://", file.address)
        assert hasattr(datasets, name) or name.endswith(("_weights", "_sheets"))
