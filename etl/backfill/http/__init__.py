"""Asking services over HTTP: bounded, cached, tried again."""
