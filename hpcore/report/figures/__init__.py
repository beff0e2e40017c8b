"""Figures of a report, one file each: a function ``draw(material, ...)`` that returns a `Section`."""
