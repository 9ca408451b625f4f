"""A module per kind of database: which one a stack has, and how it is backed up, restored and looked into."""
