"""Measurements: what masks cost, side by side with the peers, and whether they are right."""
