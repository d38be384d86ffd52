"""1,000 alarms at once while processes are killed: python bench/alarms_bench.py [count]. Prints what came of them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.app.product import remove
from tests.city.smart_elder_care.alarms import RANKS, storm


def main(count: int) -> None:
    """Run the storm and print its figures; a lost or doubled alarm ends it with a fault."""
    folder = Path(tempfile.mkdtemp()) / "line"
    try:
        found = storm(folder, count)
    finally:
        remove(folder)
    taken = found.times_taken()
    lost = found.sent.taken.keys() - taken.keys()
    doubled = [one for one, times in taken.items() if times > 1]
    ranks = [RANKS.index(row.case.priority) for row in found.rows]
    seconds = sorted(found.sent.seconds)
    print(
        f"alarms {count}, processes killed {found.killed}, sent again {found.sent.again}, {found.seconds:.1f} s in all"
    )
    print(
        f"answered: half within {seconds[len(seconds) // 2]:.3f} s, 99 % within {seconds[int(len(seconds) * 0.99)]:.3f} s"
    )
    print(
        f"acknowledged {len(found.sent.taken)}, lost {len(lost)}, doubled {len(doubled)}, in order {ranks == sorted(ranks)}"
    )
    if lost or doubled or ranks != sorted(ranks) or len(taken) != count:
        raise SystemExit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
