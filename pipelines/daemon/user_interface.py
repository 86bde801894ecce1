"""``mill ui``: Dagster's web server and daemon on one home, and Data Docs beside them, ended together."""

import http.client
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipelines.daemon.instance_folder import prepare_instance
from pipelines.settings import PROJECT, SHIPPED
from resources.devices.descendants import end_descendants
from resources.quality.data_docs import prepare_data_docs
from resources.quality.docs_server import serve
from resources.storage.home import Home

POLL_SECONDS = 0.2
LAST_WORDS_SECONDS = 5.0
"""Dagster's server has ended by then: only who left its tree can still hold the pipe."""
QUIET = "ignore:Function `,ignore:Parameter `"
"""Dagster's notes on its own beta parameters and on `dagster dev`: they are for us, not for users."""
LEVELS = ("--log-level", "warning", "--code-server-log-level", "error")
"""Of what is printed: an error in a recipe is, that a daemon runs is not."""


def serve_ui(recipe: Path, home: Home, port: int, say: Callable[[str], None]) -> None:
    """Serve until a signal ends the process. A recipe of the user's own is shown alone, shipped ones side by side.

    Raises:
        RuntimeError: Dagster's server ended by itself.
    """
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(prepare_instance(home)),
        "MILL_HOME": str(home.root),
        "MILL_DOCS_URL": f"http://127.0.0.1:{port + 1}",
        "PYTHONWARNINGS": ",".join([*filter(None, [os.environ.get("PYTHONWARNINGS")]), QUIET]),
    }
    if recipe.absolute().parent != SHIPPED:
        environment["MILL_RECIPES"] = str(recipe.absolute())
    docs = serve(prepare_data_docs(home.data_docs), port + 1)
    threading.Thread(target=docs.serve_forever, daemon=True).start()
    say(f"starting the Dagster UI of {home.root}, which takes some seconds")
    began_at = time.monotonic()
    child, passing_on = _dagster_dev(port, environment)

    def tell() -> None:
        while not answers(port):
            time.sleep(POLL_SECONDS)
        say(f"Dagster UI: http://127.0.0.1:{port}   Data Docs: http://127.0.0.1:{port + 1}")
        say(f"ready after {time.monotonic() - began_at:.0f} s; Ctrl-C ends both")

    threading.Thread(target=tell, daemon=True).start()
    try:
        code = child.wait()
    finally:
        docs.shutdown()
        end_descendants(os.getpid())
        passing_on.join(LAST_WORDS_SECONDS)
    raise RuntimeError(f"Dagster's server ended with code {code}; what it said stands above")


def _dagster_dev(port: int, environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], threading.Thread]:
    """Start Dagster's server and daemon; return them, and the thread that passes on what they say.

    In the background they would ignore SIGINT and SIGTERM: they get a session of their own, and all below it are ended one by one.
    """
    child = subprocess.Popen(
        [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(PROJECT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port), *LEVELS],
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert child.stdout is not None
    passing_on = threading.Thread(target=_pass_on, args=(child.stdout.fileno(),), daemon=True)
    passing_on.start()
    return child, passing_on


def _pass_on(pipe: int) -> None:
    """Write what Dagster's processes say where we say ours, so that a command that says nothing more at its end says nothing of theirs.

    Several signals reach them there, their parent's and ours, and each tells of the second in the midst of its exit.
    """
    while said := os.read(pipe, 65536):
        os.write(2, said)


def answers(port: int) -> bool:
    """Return whether Dagster's server answers on a port of this machine; it does when it has loaded the recipes."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asked.request("GET", "/server_info")
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
