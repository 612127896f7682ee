"""Mutants that change nothing that anybody could see: name without its line, and why."""

EQUIVALENT: dict[str, str] = {}
