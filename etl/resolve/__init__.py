"""Turns resolution requests into ids: applies the rules to a snapshot of names, and divides the result into batches.

Pure: frames and objects in, frames and objects out.
"""
