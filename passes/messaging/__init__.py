"""Messages to many: docs/messages.md.

`audience`: whose passes get one. `limits`: quiet hours and the cap of a week, pure. `sending`: planning one, beginning
its job, and what becomes of each pass.
"""
