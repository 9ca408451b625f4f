"""What the ways to a cluster have in common: asking it, checking, comparing, remembering releases, and waiting."""
