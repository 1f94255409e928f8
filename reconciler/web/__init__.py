"""What every web page of this program shares: style sheet, document, headers and Jinja settings.

It knows no page. Entry points: `html.make_environment`, `html.make_headers`,
`static_files.read_files`, and the template `document.html`.
"""
