"""Exploring Convolutional Networks, reproduced: the library behind the scripts.

It knows nothing of Snakemake. A room (package) imports only from the rooms before it: core,
architectures, config, data, layers, runs, training, judging, exhibits, analyses, lesson, report.
import-linter checks this; docs/architecture.md follows the data through the rooms.
"""
