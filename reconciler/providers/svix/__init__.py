"""The endpoints of an application of Svix."""
