"""The specs in other people's words: XSD, JSON Schema, Great Expectations, tables for reading."""
