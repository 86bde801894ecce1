import sys, tempfile, time, traceback
from pathlib import Path
from kernels.specs.layout import Layout
from tests.kernels.training.back_ends.test_accelerated import train_each
from tests.processes import on_processes
from tests.spread_trainings import difference, put_data, read
if __name__ == "__main__":
    root = Path(tempfile.mkdtemp())
    (root / "mixture").mkdir(); data = put_data(root / "mixture")
    control = None
    for index, z in enumerate(["", *sys.argv[2:]]):
        layout = Layout(processes=2, back_end="deepspeed", zero=int(z[0]), offload={"": "none", "o": "optimizer", "p": "parameters"}[z[1:]]) if z else Layout()
        folder = root / str(index); (folder / "out").mkdir(parents=True); (folder / "scratch").mkdir()
        try:
            on_processes(layout, train_each, data, [(folder, layout)], sys.argv[1], {})
        except BaseException: print(z, "FAILED", traceback.format_exc()[-3000:]); continue
        found = read(folder)
        if z: print(z, difference(found, control), flush=True)
        else: control = found
