"""Data: every source, read and checked; the split; the arrays on disk.

A module imports only from those before it: source, arrays; download; torchvision_sets; the other
sources emnist, npz and glyphs; split, dataset, prepare.
"""
