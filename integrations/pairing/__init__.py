"""PAIRING: which consent platform meets which marketing automation, and whose word counts where they differ.

Both sides are known by their source, such as didomi:1 and actito:3, and by what they registered (registry.py). Neither
is imported here, and neither knows the other.
"""
