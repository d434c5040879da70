"""What a person looks at: live series with their history, for as long as somebody looks."""
