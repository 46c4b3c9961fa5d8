"""What the values mean: verbs, tables between mappings, and the one engine that makes typed rows and faults."""
