"""The portal's screens. Importing this package registers the admins of this storey."""
