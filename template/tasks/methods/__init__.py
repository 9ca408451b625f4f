"""The ways to deploy: a module each, named as `method:` in invoke.yaml names it, with a class `Method`."""
