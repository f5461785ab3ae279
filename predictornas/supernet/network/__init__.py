"""The super-network itself: cells that compute every operation on every edge, by the factors of a mixture."""
