"""Tell people: rules, messages, and the services that carry them."""
