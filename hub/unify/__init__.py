"""One student out of many sources: who is who (identity), and which source's word counts (merge)."""
