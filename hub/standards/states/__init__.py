"""A source's deliveries as one immutable state: accepted rows, held rows by place, and counts that add up."""
