"""What a search found, as tables, heat maps and files."""
