"""Comparing what the journal believes with what the exchange says, part by part."""
