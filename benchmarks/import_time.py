"""Milliseconds that `import hpcore` adds to `import numpy`, in fresh interpreters, measured alternately.

taskset -c 0 python benchmarks/import_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPEATS = 30


def seconds(statement: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begin


def main() -> None:
    seconds("import hpcore")  # byte code and page cache
    pairs = [(seconds("import numpy"), seconds("import numpy, hpcore")) for _ in range(REPEATS)]
    numpy = statistics.median(a for a, _ in pairs) * 1e3
    both = statistics.median(b for _, b in pairs) * 1e3
    print(f"numpy {numpy:.1f} ms, numpy and hpcore {both:.1f} ms, difference {both - numpy:.1f} ms")
    heavy = "import sys, hpcore; print([m for m in ('sklearn', 'scipy', 'numba') if m in sys.modules])"
    print(
        "scikit-learn, SciPy, Numba loaded:", subprocess.check_output([sys.executable, "-c", heavy], text=True).strip()
    )


if __name__ == "__main__":
    main()
