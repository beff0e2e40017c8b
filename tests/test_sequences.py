"""Random sequences of calls, 400 or the number in HPCORE_SEQUENCES; see `.ci/run` and `.ci/sanitize`."""

import os

import pytest

from tests.sequences import Sequence

N_SEQUENCES = int(os.environ.get("HPCORE_SEQUENCES", "400"))
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_random_sequences_of_calls(part):
    failed = []
    for seed in range(part, N_SEQUENCES, PARTS):
        try:
            Sequence(seed).play()
        except Exception as error:
            failed.append((seed, error))
    if failed:
        seeds = ", ".join(str(seed) for seed, _ in failed[:20])
        raise AssertionError(f"{len(failed)} of the sequences failed: seeds {seeds}") from failed[0][1]
