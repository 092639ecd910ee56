"""Google Wallet's side of passes."""
