"""The results that the tests of the report share."""

from pathlib import Path

import pytest
from made_results import make_results


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_results(tmp_path_factory.mktemp("results") / "trial")
