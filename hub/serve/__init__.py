"""What people see over HTTP. What is judged and said is handed in by the command that starts it."""
