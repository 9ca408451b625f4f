"""Measures what a team waits for, side by side with the Dockerfiles it would otherwise write."""
