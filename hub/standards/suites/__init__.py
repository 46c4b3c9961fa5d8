"""Great Expectations: suites made from the specs, run on the rows, with Data Docs. Its home, with `export/gx.py`."""
