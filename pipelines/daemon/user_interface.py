"""``mill ui``: Dagster's web server and daemon on one home, and Data Docs beside them, ended together."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pipelines.daemon.instance import prepare_instance
from pipelines.settings import PROJECT, SHIPPED
from resources.devices.descendants import end_descendants
from resources.quality.data_docs import prepare_data_docs
from resources.quality.docs_server import serve
from resources.storage.home import Home

GRACE_SECONDS = 2.0


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
    }
    if recipe.absolute().parent != SHIPPED:
        environment["MILL_RECIPES"] = str(recipe.absolute())
    docs = serve(prepare_data_docs(home.data_docs), port + 1)
    threading.Thread(target=docs.serve_forever, daemon=True).start()
    say(f"Dagster UI: http://127.0.0.1:{port}   Data Docs: http://127.0.0.1:{port + 1}   state: {home.root}")
    # dagster dev in the background ignores SIGINT and SIGTERM: it gets a session of its own, and all below it are ended one by one
    child = subprocess.Popen(
        [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(PROJECT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)],
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )

    try:
        code = child.wait()
    finally:
        docs.shutdown()
        end_descendants(os.getpid(), GRACE_SECONDS)
    raise RuntimeError(f"Dagster's server ended with code {code}; what it said stands above")
