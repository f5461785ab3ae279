"""Images to train with, from wherever they are, and how they are taken apart."""
