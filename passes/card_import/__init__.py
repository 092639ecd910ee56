"""Taking over passes that another vendor issued, so that the cards on phones go on: docs/move-to-the-portal.md.

A pass keeps our own number and, beside it, the serial number and the token that stand on the card. A file of cards is
looked at first (`look`); its parts then wait, encrypted, for the job that imports them (`job`).
"""
