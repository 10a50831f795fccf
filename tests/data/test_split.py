"""The split: exact sizes, strata, sources of each part."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convnets.config.settings import SplitSettings
from convnets.core.errors import UserError
from convnets.data.split import allocate, make_split, scale_sizes

OFFICIAL = {
    "train": np.repeat(np.arange(47), 2400).astype(np.uint8),
    "test": np.repeat(np.arange(47), 400).astype(np.uint8),
}


def split_of(
    labels: dict[str, np.ndarray], sizes: dict[str, int], protocol: str = "leftover", seed: int = 0
) -> dict[str, np.ndarray]:
    return make_split(labels, protocol, sizes, np.random.default_rng(seed))


def test_the_published_sizes_on_the_official_counts() -> None:
    split = split_of(OFFICIAL, {"train": 100_000, "validation": 15_800, "test": 15_800})
    assert {part: len(indices) for part, indices in split.items()} == {
        "train": 100_000,
        "validation": 15_800,
        "test": 15_800,
    }
    assert split["train"].max() < 112_800 <= split["test"].min()
    from_train = (split["validation"] < 112_800).sum()
    assert (from_train, 15_800 - from_train) == (12_800, 3_000)
    everything = np.concatenate(list(split.values()))
    assert np.array_equal(np.sort(everything), np.arange(131_600))
    labels = np.concatenate(list(OFFICIAL.values()))
    for indices in split.values():
        assert indices.dtype == np.int64
        assert np.ptp(np.bincount(labels[indices], minlength=47)) <= 2


def test_train_file_leaves_the_test_file_alone() -> None:
    split = split_of(
        OFFICIAL, {"train": 90_000, "validation": 15_800, "test": 15_800}, "train_file"
    )
    assert split["validation"].max() < 112_800
    assert not np.intersect1d(split["train"], split["validation"]).size


def test_given_parts_stay_what_they_are() -> None:
    labels = {part: np.arange(94) % 47 for part in ("train", "validation", "test")}
    split = split_of(labels, {"train": 94, "validation": 47, "test": 94})
    assert np.array_equal(split["train"], np.arange(94))
    assert set(split["validation"]) <= set(range(94, 188))
    assert np.array_equal(split["test"], np.arange(188, 282))


def test_the_seed_decides() -> None:
    sizes = {"train": 9_400, "validation": 940, "test": 940}
    first, again, other = (split_of(OFFICIAL, sizes, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[part], again[part]) for part in sizes)
    assert not any(np.array_equal(first[part], other[part]) for part in sizes)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train": 112_801}, r"data\.split\.train asks for 112801 .* 112800 are available"),
        ({"test": 20_000}, r"data\.split\.test asks for 20000 .* 18800 are available"),
        ({"validation": 40_000}, r"validation asks for 40000 .* 37130 are available"),
        ({"test": 46}, r"data\.split\.test gives 46 images, which leaves none for .* t;"),
        ({"validation": 0}, "at least one a class"),
    ],
)
def test_sizes_that_cannot_be_had(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        split_of(OFFICIAL, {"train": 94_000, "validation": 4_700, "test": 470} | sizes)


@given(
    counts=st.lists(st.integers(0, 3000), min_size=1, max_size=47).filter(any),
    fraction=st.floats(0, 1),
)
def test_allocation_is_exact_and_never_more_than_there_is(
    counts: list[int], fraction: float
) -> None:
    available = np.array(counts)
    size = int(fraction * available.sum())
    shares = allocate(available, size)
    assert shares.sum() == size
    assert (shares >= 0).all() and (shares <= available).all()
    assert (np.abs(shares - available * size / available.sum()) < 1).all()


def test_subset_scales_the_sizes() -> None:
    split = SplitSettings(train=1000, validation=150, test=99)
    assert scale_sizes(split, 1.0) == {"train": 1000, "validation": 150, "test": 99}
    assert scale_sizes(split, 0.1) == {"train": 100, "validation": 15, "test": 10}
    for wrong in (0, -1, 1.1, float("nan")):
        with pytest.raises(UserError, match=r"--subset"):
            scale_sizes(split, wrong)
