"""The main job on show: from this checkout to a project that runs, in front of your eyes."""
