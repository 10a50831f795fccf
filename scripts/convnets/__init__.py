"""Exploring Convolutional Networks, reproduced: the library behind the scripts.

docs/architecture.md follows the data through its rooms.
"""
