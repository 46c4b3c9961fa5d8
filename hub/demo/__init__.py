"""The fictional district: vendor files for the demo, the tests and the benchmarks."""
