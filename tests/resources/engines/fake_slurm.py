"""Slurm's commands as far as datatrove and the engine use them, on this machine: a submitted script really runs, one process a task."""

import sys
from pathlib import Path

SCRIPT = """#!{python}
import itertools, os, re, signal, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

state, command, arguments = Path({state!r}), Path(sys.argv[0]).name, sys.argv[1:]
with (state / "calls").open("a") as stream:
    stream.write(" ".join([command, *arguments]) + "\\n")

def is_running(job):
    try:
        return Path(f"/proc/{{(state / job).read_text()}}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False

def run_array(script):
    first, last, at_once = map(int, re.search(r"--array=(\\d+)-(\\d+)%(\\d+)", script.read_text()).groups())
    def task(number):
        told = {{"SLURM_ARRAY_TASK_ID": str(number), "SLURM_JOB_ID": "7", "SLURM_NODELIST": "localhost", "RUN_OFFSET": "0"}}
        with (state / f"task-{{number}}.out").open("w") as out:
            subprocess.run(["bash", str(script)], env=os.environ | told, stdout=out, stderr=out)
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(task, range(first, last + 1)))

if command == "sbatch":
    job = str(7 + sum(1 for _ in state.glob("script-*")))
    copy = state / f"script-{{job}}"
    script, *given = itertools.dropwhile(lambda argument: argument.startswith("-"), arguments)
    copy.write_text(Path(script).read_text())
    copy.chmod(0o755)
    options = dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments[: -1 - len(given)])
    is_array = "--array=" in copy.read_text()
    os.environ["SLURM_JOB_NUM_NODES"] = options.get("nodes", "1")
    with Path(options.get("output", state / f"array-{{job}}.out")).open("w") as out:
        runner = [sys.executable, sys.argv[0].replace("sbatch", "array"), str(copy)] if is_array else [str(copy), *given]
        child = subprocess.Popen(runner, start_new_session=True, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    (state / job).write_text(str(child.pid))
    print(job if "parsable" in options else f"Submitted batch job {{job}}")
elif command == "array":
    run_array(Path(arguments[0]))
elif command == "srun":
    nodes = [dict(os.environ, MILL_NODE=f"node-{{number}}") for number in range(int(os.environ["SLURM_JOB_NUM_NODES"]))]
    sys.exit(max([task.wait() for task in [subprocess.Popen(arguments, env=node) for node in nodes]]))
elif command == "squeue":
    job = arguments[-1].partition("=")[2]
    if not is_running(job):
        sys.exit("slurm_load_jobs error: Invalid job id specified")
    print(job, "debug modelmill R")
elif command == "scontrol":
    print("localhost")
elif command == "scancel" and is_running(arguments[0]):
    os.killpg(int((state / arguments[0]).read_text()), signal.SIGKILL)
"""


def install_slurm(folder: Path) -> Path:
    """Put the commands into ``folder/bin`` and return it; ``folder`` keeps what was submitted and ``calls``."""
    (folder / "bin").mkdir(parents=True)
    script = SCRIPT.format(python=sys.executable, state=str(folder))
    for command in ("sbatch", "array", "srun", "squeue", "scontrol", "scancel"):
        (folder / "bin" / command).write_text(script)
        (folder / "bin" / command).chmod(0o755)
    return folder / "bin"
