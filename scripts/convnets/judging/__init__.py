"""Judging: what our runs, other people's runs and the paper's own numbers say about the paper.

A module imports only from those before it: spread, estimates, verdicts, claims, witnesses, judge;
numbers, others, table. docs/judging.md explains the rules; benchmarks/judging.py tests them.
"""
