"""How values from the configuration are validated."""

STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
"""How the configuration is validated: unknown keys are errors (pydantic reads this)."""
