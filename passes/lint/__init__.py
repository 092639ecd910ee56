"""What the linters of all wallets have in common: expressions, and what a field cannot be without. Pure."""
