"""The tenant's web page: server-rendered, complete without JavaScript.

`routes` has the addresses, `front` is what every request goes through. `views` has a module per
page, `forms` the form of a webhook, `session` signing in and the visitor, `rendering` templates and
words. Templates stand in `../templates`, styles and script in `../static`. Knows no SQL.
"""
