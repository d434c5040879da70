"""Inside the store: months as Parquet, what was asked, names and places."""
