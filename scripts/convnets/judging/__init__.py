"""Judging: what our runs, other people's runs and the paper's own numbers say about the paper.

The rules are documented where they are written: `verdicts` for claims, `numbers` for published
numbers, `estimates` for the statistics, `others` for other people's runs. The columns are in
`table` (claims.csv) and `comparison` (comparison.csv), the levels of conditions in `conditions`.
benchmarks/judging.py proves the error rates.
"""
