"""Studies that users run: many searches, fits or trainings in a folder, and the tidy tables made of them."""
