"""The screens of passes. `registered` imports them all."""
