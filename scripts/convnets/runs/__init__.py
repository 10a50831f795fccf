"""Runs: identity, the one reader of a run's folder, metrics over all runs, progress of a sweep."""
