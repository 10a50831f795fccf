"""The lesson: measured costs of the layers, their plots, and training from scratch."""
