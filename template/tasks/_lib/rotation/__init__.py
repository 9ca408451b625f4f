"""A module per secret that can change while everything serves: for a while, its server takes the old and the new."""
