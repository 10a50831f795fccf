"""Analyses of trained networks that say more than their accuracy."""
