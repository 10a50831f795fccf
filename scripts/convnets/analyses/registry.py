"""The analyses by name, as `scripts/analyse.py` and the figures `analysis_NAME` call them."""

from convnets.analyses import accuracies, agreement, confusions, curves, pareto, receptive_fields

ANALYSES = {
    module.__name__.rpartition(".")[2]: module.analyse
    for module in (accuracies, receptive_fields, pareto, confusions, agreement, curves)
}
