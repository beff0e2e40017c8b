"""Decisions after a partial result: which candidates go on. A scheduler sees numbers and values, never a parameter."""
