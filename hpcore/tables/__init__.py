"""From a file or a frame to data that a model takes: reading, preprocessing, presets of models and spaces."""
