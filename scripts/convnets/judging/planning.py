"""How many seeds would decide a comparison that these runs leave open."""

from convnets.judging.effect import ALPHA, Effect, Source, margin
from convnets.judging.spread import ASSUMED
from convnets.judging.verdict import Region

MOST_SEEDS = 100
"""Nobody trains more: the search for a sufficient number ends there."""
SHARED_BY_SEEDS = 0.2
"""Share of the variance between images that other seeds would repeat, assumed where there is one
seed. Three variants with four seeds each on real characters gave 0.1 to 0.3."""


def seeds_to_decide(
    effect: Effect, region: Region, quantity: str, weights: dict[str, float], family: int = 1
) -> int | None:
    """More seeds than there are, with which the interval would no longer reach a bound.

    The interval is corrected for `family` comparisons (Bonferroni, with which Holm's correction
    begins), and `region` has the bound. Supposes that the effect and its errors stay as
    estimated, or as assumed where one seed cannot tell. None when more than `MOST_SEEDS` would be
    needed, or the test images alone leave it open.
    """
    tail = ALPHA / 2 / family
    known = effect if effect.over_seeds else _assume_seeds(effect, quantity, weights)
    for number in range(effect.seeds + 1, MOST_SEEDS + 1):
        if margin(known.with_seeds(number).sources, tail) < region.distance(effect.value):
            return number
    return None


def _assume_seeds(effect: Effect, quantity: str, weights: dict[str, float]) -> Effect:
    """The effect of one seed with the errors that it could have over seeds."""
    spread = ASSUMED[quantity] ** 2 * sum(weight**2 for weight in weights.values())
    known = sum(source.variance for source in effect.fixed)
    share = SHARED_BY_SEEDS if quantity == "test_accuracy" else 0.0
    return Effect(
        effect.value,
        fixed=(Source(share * known),),
        over_seeds=Source(spread + (1 - share) * known),
        seeds=1,
        test=effect.test,
    )
