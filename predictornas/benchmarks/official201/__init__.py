"""The official files of NAS-Bench-201 and NATS-Bench: read as a stream without running anything, kept as curves."""
