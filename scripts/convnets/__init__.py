"""Exploring Convolutional Networks, reproduced: the library behind the scripts.

It knows nothing of Snakemake. Data flows one way, and a module imports only from those
before it: errors, files, settings, variant -> data -> network -> training, evaluation ->
metrics, tables, figures, comparison -> report.
"""
