"""Values to HTML: the templates' environment, graphs, words and messages.

Pure but for reading the templates. Knows no request and no store. Entry point: `html.render_page`.
"""
