"""``mill ui``: Dagster's web server and daemon on one home, and Data Docs beside them, ended together."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pipelines.daemon.instance import prepare_instance
from pipelines.settings import PROJECT, SHIPPED
from resources.quality.data_docs import prepare_data_docs
from resources.quality.docs_server import serve
from resources.storage.home import Home


def serve_ui(recipe: Path, home: Home, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted. A recipe of the user's own is shown alone, shipped ones side by side."""
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
    # dagster dev in the background ignores SIGINT and SIGTERM: it gets a session of its own, and its group is ended
    child = subprocess.Popen(
        [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(PROJECT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)],
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )

    def end(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        child.wait()
    except KeyboardInterrupt:
        say("ending")
    finally:
        docs.shutdown()
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
