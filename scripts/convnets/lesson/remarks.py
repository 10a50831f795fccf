"""Sentences of the lesson whose numbers were measured."""

from markupsafe import Markup

from convnets.lesson.cases import LARGE, SMALL, Case
from convnets.lesson.tables import Measured, Twins, losses, rows_of, shares
from convnets.markup import bullets

FIRST_STEPS = 200
"""For so long, two trainings that differ in rounding should stay together."""


def on_costs(measured: Measured) -> Markup:
    """What the tables of costs say, in a sentence each."""
    loops = _times_as_long(measured, SMALL, "loops", "im2col")
    large = _times_as_long(measured, LARGE, "im2col", "matrix_product")
    small = _times_as_long(measured, SMALL, "im2col", "matrix_product")
    pytorch = _times_as_long(measured, LARGE, "im2col", "pytorch")
    return bullets(
        [
            f"Loops take {loops:,.0f} times as long as im2col. Most of it is Python’s own work "
            "around each multiplication. In a compiled language the factor is much smaller, and "
            "what remains is the irregular access to memory.",
            f"In the large convolution im2col takes {large:.2f} times as long as its matrix "
            "products alone: the rest is the time to fill columns, and to add them up.",
            f"In the small one it takes {small:.0f} times as long: calling NumPy at all takes "
            "longer than so few multiplications.",
            f"In the large convolution im2col takes {pytorch:.1f} times as long as PyTorch.",
        ]
    )


def on_shares(measured: Measured) -> Markup:
    """The range of the networks, beside what the paper quotes."""
    rows = shares(measured)
    together = 100 * (rows["convolution"] + rows["fully_connected"])
    return Markup(
        "<p>Convolutional and fully-connected layers together take {:.0f} % of the time in the "
        "median of {} networks: from {:.0f} % in <code>{}</code> to {:.0f} % in <code>{}</code>. "
        "The rest is mostly pooling and ReLU, which compute little but move all features through "
        "memory.</p>"
    ).format(
        together.median(),
        len(together),
        together.min(),
        together.idxmin(),
        together.max(),
        together.idxmax(),
    )


def on_losses(twins: Twins) -> Markup:
    """How far the two trainings are apart."""
    rows = losses(twins)
    distance = (rows["by_hand"] - rows["pytorch"]).abs()
    steps = min(FIRST_STEPS, len(rows))
    return Markup(
        "<p>In the first {} steps the two losses differ by at most {:.2g}, while the loss falls "
        "from {:.2f} to about {:.2f}; in all {} steps they differ by at most {:.2g}. After each "
        "epoch both networks are tested on images that neither has seen ({}):</p>"
    ).format(
        steps,
        distance.head(steps).max(),
        rows["pytorch"].iloc[0],
        rows["pytorch"].head(steps).tail(10).mean(),
        len(rows),
        distance.max(),
        twins.images,
    )


def _times_as_long(measured: Measured, case: Case, one: str, other: str) -> float:
    """How many times as long implementation `one` takes as `other`, all passes together."""
    seconds = rows_of(measured, case).groupby("implementation")["seconds"].sum()
    return float(seconds[one] / seconds[other])
