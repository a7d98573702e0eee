"""From a source's rows to listens: text cleaned, whole seconds, credits split, lookup keys made. Pure functions."""
