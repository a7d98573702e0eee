"""What every other package may use: terms, schemas, errors, settings, signals. Imports no other package of ``etl``."""
