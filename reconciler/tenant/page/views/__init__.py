"""One module per page or action: the handlers of `routes.PAGES`.

Each gets a Visit and returns a Response or raises Refusal. No view but a part of another page is
imported by a view.
"""
