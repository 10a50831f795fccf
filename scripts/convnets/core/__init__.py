"""Core: errors in words, whole files, locks, signals, timing, and the versions of the stages."""
