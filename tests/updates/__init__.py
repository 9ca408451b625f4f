"""What becomes of projects when the template, or what is chosen of it, changes."""
