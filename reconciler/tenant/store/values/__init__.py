"""What the store takes and returns: frozen values, no SQL and no connection.

Every part of the tenant may import them. They know no HTTP.
"""
