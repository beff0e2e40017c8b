"""From a file or a data frame to a search: reading, preprocessing, presets of models and their spaces."""
