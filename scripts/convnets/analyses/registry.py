"""The analyses by name, as `scripts/analyse.py` and the figures `analysis_NAME` call them."""

from collections.abc import Callable

from convnets.analyses import (
    accuracies,
    agreement,
    confusion_figure,
    curves,
    pareto,
    receptive_field_figure,
)
from convnets.analyses.runs import Analysis, Sweep

ANALYSES: dict[str, Callable[[Sweep], Analysis]] = {
    "accuracies": accuracies.analyse,
    "receptive_fields": receptive_field_figure.analyse,
    "pareto": pareto.analyse,
    "confusions": confusion_figure.analyse,
    "agreement": agreement.analyse,
    "curves": curves.analyse,
}
