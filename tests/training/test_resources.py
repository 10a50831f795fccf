"""What a training job asks a cluster for: enough by all measurements, and more when it fails."""

from pathlib import Path

import pandas as pd
import pytest

from convnets.config.checks import load_config
from convnets.config.settings import TrainingSettings
from convnets.training.resources import (
    HEADROOM,
    START_SECONDS,
    training_megabytes,
    training_minutes,
)

CONFIG_FILE = Path("config/config.yaml")
CONFIG = load_config([CONFIG_FILE], {})
PUBLISHED = pd.read_csv("config/published_values.csv").query("metric == 'epoch_seconds'")
BENCHMARKS = [pd.read_csv(file) for file in Path("benchmarks/results").glob("*-float32.csv")]
MEASURED = pd.concat(BENCHMARKS)


def seconds(variant: str, settings: TrainingSettings, images: int, epochs: int) -> float:
    """What is asked for training, without what is asked for the start."""
    minutes = training_minutes(CONFIG.variant(variant), images * epochs, settings, attempt=1)
    return 60 * minutes - START_SECONDS


@pytest.mark.parametrize(
    ("variant", "published"),
    list(zip(PUBLISHED["variant_id"], PUBLISHED["value"], strict=True)),
)
def test_the_published_times_fit_into_a_gpu_job(variant: str, published: float) -> None:
    asked = seconds(variant, TrainingSettings(), CONFIG.training_images, 100) / 100
    assert 1.5 * published < asked < 6 * published


@pytest.mark.parametrize("run", MEASURED.to_dict("records"), ids=lambda run: run["variant"])
def test_the_measured_times_fit_into_a_processor_job(run: dict[str, float]) -> None:
    settings = TrainingSettings(device="cpu", threads=int(run["threads"]))
    asked = seconds(str(run["variant"]), settings, 10**5, 10)
    taken = 10**6 / (run["engine_images_per_second"] / run["runs"])
    assert 1.5 * taken < asked < 2 * HEADROOM * taken


def test_the_first_attempts_ask_for_more_each() -> None:
    variant, settings = CONFIG.variant("max_pool_2"), CONFIG.training
    attempts = (1, 2, 3, 4)
    minutes = [training_minutes(variant, 5000, settings, attempt) for attempt in attempts]
    memory = [training_megabytes(variant, settings, attempt) for attempt in attempts]
    for first, second, third, fourth in (minutes, memory):
        assert first < second < third == fourth


def test_larger_networks_ask_for_more() -> None:
    small, large = CONFIG.variant("max_pool_2_f16"), CONFIG.variant("dilation_plus2_f128")
    settings = CONFIG.training
    few, many = (training_minutes(variant, 10**7, settings, 1) for variant in (small, large))
    assert few < many
    assert training_megabytes(small, settings, 1) < training_megabytes(large, settings, 1)
