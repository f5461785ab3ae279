"""Reports that a person opens in a browser: one HTML file each, made from tidy tables and facts alone."""
