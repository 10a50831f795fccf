"""Data: every source, read and checked; the split; the arrays on disk.

A module imports only from those before it: source, arrays; download; the sources emnist, glyphs
and torchvision_sets; split, dataset, prepare.
"""
