"""What the template's tests, nox sessions and maintainers' tasks share."""
