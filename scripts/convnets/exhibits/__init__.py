"""Exhibits: the paper's tables and figures, in one style."""
