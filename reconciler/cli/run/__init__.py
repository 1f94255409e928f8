"""What the actions share: manifests read, the tenant opened, a plan made, shown, approved and
carried out.

Nothing here knows a command.
"""
