"""Turns the rows of a format into listens: texts cleaned, whole seconds, credits split, lookup keys made. Pure."""
