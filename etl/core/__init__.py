"""Used by every other package and using none of them: words, schemas, errors, settings, signals."""
