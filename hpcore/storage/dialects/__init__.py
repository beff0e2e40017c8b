"""Databases that a store may be in, each behind `hpcore.storage.dialects.base.Dialect`."""
