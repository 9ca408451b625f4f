"""The generated project's tasks, run against a docker that only writes down what it is asked."""
