"""Regular languages over bytes, closed under every boolean operation."""
