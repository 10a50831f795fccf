"""Core: errors, complete files, locks, signals, timing, options, templates."""
