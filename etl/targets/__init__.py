"""The databases that listens are loaded into, behind one interface."""
