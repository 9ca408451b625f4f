"""One project on a real engine: built for three platforms, pushed, deployed, broken, rolled back."""
