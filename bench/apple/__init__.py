"""`python -m bench.apple make|serve|push`: passes of Apple Wallet, against the machine and against peers."""
