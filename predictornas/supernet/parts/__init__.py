"""The parts of a super-network method, each of which can be exchanged for another."""
