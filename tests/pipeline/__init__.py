"""A small runner for the workflows of a project: their own steps, in their order, on this machine."""
