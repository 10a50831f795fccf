"""Architectures: variants as frozen values, and the operations that follow from them."""
