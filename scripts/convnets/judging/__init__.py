"""Judging: what the runs, and the paper's own numbers, say about each claim of the paper.

A module imports only from those before it: effect, paired, runtime, numbers; verdict, planning;
claims, paper; sweep, table.
"""
