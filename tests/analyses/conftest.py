"""The sweep that the analyses are tested on."""

from pathlib import Path

import pytest

from analysed_sweep import DENSE, MAX_2, MAX_3, PLAIN, sweep


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep(tmp_path_factory.mktemp("small"), [MAX_3, DENSE, PLAIN, MAX_2], seeds=2)
