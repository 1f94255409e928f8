"""The status page of an agent: the document of `/status` as HTML, without a script.

It knows that document only: no loop, no source, no plan. Entry point: `routes.make_routes`.
"""
