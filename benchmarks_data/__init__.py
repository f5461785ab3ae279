"""Small tables this project measured itself."""
