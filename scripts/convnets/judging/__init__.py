"""Judging: what our runs, other people's runs and the paper's own numbers say about the paper.

docs/judging.md has the rules, `verdicts` and `estimates` the statistics. benchmarks/judging.py
proves the error rates.
"""
