"""How far a training by every strategy is from that of one process: by architecture, processes and strategy.

Run by ``make bench NAME=strategies``. Models of some thousand parameters in float32, 6 steps with clipping and z-loss, two or more processes that
talk by gloo. Of each training the largest difference of a step's loss or gradient norm (as a share where it is above 1) from those of one process on
the same rows is printed, and, in brackets, that of a tensor of the checkpoint as a share of its norm. The control is one process that adds the same
gradients up in parts. What a model cannot do is refused, and stands as such.
"""

import json
import resource
import tempfile
import time
from pathlib import Path

from tests.spread_trainings import CLOSE, FAMILIES, LAYOUTS, can, difference, put_data, trainings


def main() -> None:
    """Print the table, and the largest difference of all as JSON."""
    began, cpu = time.perf_counter(), time.process_time()
    largest = control = 0.0
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        (folder / "data").mkdir()
        data = put_data(folder / "data")
        print(f"{'strategy':35} {'processes':>9}  " + "  ".join(f"{family:>19}" for family in FAMILIES))
        found: dict[str, dict[str, tuple[float, float]]] = {}
        for family in FAMILIES:
            made = trainings(data, folder / family, [name for name, layout in LAYOUTS.items() if can(family, layout)], family)
            parts = trainings(data, folder / f"{family}-parts", [], family, micro_batch_size=3)
            found[family] = {name: difference(each, made[""]) for name, each in made.items() if name} | {"in parts": difference(parts[""], made[""])}
            control = max(control, found[family]["in parts"][0])
            largest = max(largest, *(of_losses for name, (of_losses, _) in found[family].items() if name != "in parts"))
    for name in ("in parts", *LAYOUTS):
        cells = [f"{found[family][name][0]:.1e} ({found[family][name][1]:.1e})" if name in found[family] else "refused" for family in FAMILIES]
        print(f"{name:35} {LAYOUTS[name].processes if name in LAYOUTS else 1:>9}  " + "  ".join(f"{cell:>19}" for cell in cells))
    seconds = f"{time.perf_counter() - began:.0f} s, {time.process_time() - cpu:.0f} CPU s of this process beside those of its children"
    print(f"largest difference of a loss or norm {largest:.1e}, where {CLOSE:.0e} is the bound; of the control {control:.1e}; {seconds}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # of this process: those that train are its server's children
    told = {"name": "strategies", "ours": largest, "peer": control, "ratio": largest / max(control, 1e-12), "unit": "difference", "peak_mb": peak}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
