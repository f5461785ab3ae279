"""Histories of several objectives to tidy tables: hypervolume, gain, attainment."""
