"""Versions of the stages of the workflow: what decides whether a stage has to run again.

Snakemake runs a job again when its parameters or inputs change, and each rule has the version of
its stage among its parameters. So code can be renamed, moved and reworded, and nothing is made
again. Raise a stage's version with every change of what it computes or shows. A finished training
is never made again by itself: see `convnets.runs.identity`, which has its version.
"""

VERSIONS = {
    "data": 2,
    "evaluation": 2,
    "runtimes": 1,
    "metrics": 2,
    "exhibits": 3,
    "judging": 3,
    "analyses": 3,
    "lesson": 4,
    "report": 5,
}
"""Version by stage. A stage with others' results in its inputs follows them by itself."""
