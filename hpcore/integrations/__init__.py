"""Doors to other tools. Each module needs the tool that it is named after, and is imported on its own."""
