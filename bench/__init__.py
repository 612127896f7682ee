"""The measuring house."""
