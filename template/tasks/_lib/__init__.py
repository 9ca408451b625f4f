"""What the tasks share: the project's facts, running programs, and the engine's and registry's answers."""
