"""Data: every source, read and checked; the split; the arrays on disk.

A module imports only from those before it: source, idx, torchvision_shim; the four sources
emnist, npz, glyphs and the download; split, dataset, prepare.
"""
