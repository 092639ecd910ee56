"""What is wrong, in one place: Home, the messages to people and the figures all judge by it.

`trouble` says what a trouble is, `readers` find them, `verdict` sums them up for Home, `digest` decides who is told
what and when, and `post` tells it.
"""
