"""What a source sent, as stream tables of text: one reader per format, nothing guessed, every row counted."""
