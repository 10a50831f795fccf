"""Sentences of the lesson that contain measured numbers."""

from markupsafe import Markup

from convnets.lesson.cases import LARGE, SMALL, Case
from convnets.lesson.tables import Measured, Twins, losses, rows_of, shares
from convnets.markup import bullets

FIRST_STEPS = 200
"""Number of steps in which rounding alone should not separate two trainings."""


def on_costs(measured: Measured) -> Markup:
    """The main results of the tables of costs, a sentence each."""
    loops = _times_as_long(measured, SMALL, "loops", "im2col")
    large = _times_as_long(measured, LARGE, "im2col", "matrix_product")
    small = _times_as_long(measured, SMALL, "im2col", "matrix_product")
    pytorch = _times_as_long(measured, LARGE, "im2col", "pytorch")
    return bullets(
        [
            f"Loops take {loops:,.0f} times as long as im2col. Most of that is Python’s overhead "
            "for each multiplication. In a compiled language the factor is much smaller, and comes "
            "from irregular access to memory.",
            f"In the large convolution im2col takes {large:.2f} times as long as its matrix "
            "products alone. The rest is spent filling columns and adding them up.",
            f"In the small one it takes {small:.0f} times as long, because the calls to NumPy take "
            "longer than so few multiplications.",
            f"In the large convolution im2col takes {pytorch:.1f} times as long as PyTorch.",
        ]
    )


def on_shares(measured: Measured) -> Markup:
    """The range over the networks, to compare with the paper's quotation."""
    rows = shares(measured)
    together = 100 * (rows["convolution"] + rows["fully_connected"])
    return Markup(
        "<p>Convolutional and fully-connected layers together take {:.0f} % of the time in the "
        "median of {} networks, from {:.0f} % ({}) to {:.0f} % ({}). The rest is mostly pooling "
        "and ReLU, which compute little but move all features through memory.</p>"
    ).format(
        together.median(),
        len(together),
        together.min(),
        together.idxmin(),
        together.max(),
        together.idxmax(),
    )


def on_losses(twins: Twins) -> Markup:
    """The difference between the losses of the two trainings."""
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
