"""Data: every source, read and checked; the split; the arrays on disk."""
