"""Judging: what our runs, other people's runs and the paper's own numbers say about the paper.

Each module documents its rules: `verdicts` and `table` for claims, `numbers` for published numbers,
`estimates` for the statistics. benchmarks/judging.py proves the error rates.
"""
