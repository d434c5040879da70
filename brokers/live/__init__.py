"""What the live broker is made of: orders on their way, what they lock, and what protects a holding."""
