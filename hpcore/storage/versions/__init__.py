"""Older versions of the tables: how they are read, and the way from them to the newest."""
