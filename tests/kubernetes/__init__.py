"""Promises about the four ways to Kubernetes: that they make the same objects, and that they really deploy."""
